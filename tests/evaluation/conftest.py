"""A night's files made up from nothing, in the shapes that the stages write."""

import csv
import math
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

import rlhf_pipeline
from rlhf_pipeline.evaluation.gold import Gold
from rlhf_pipeline.evaluation.stages import read_families
from rlhf_pipeline.records import assistant, user, write_json, write_rows
from rlhf_pipeline.validation.ensemble import Ensemble
from rlhf_pipeline.validation.normalisation import Statistics
from rlhf_pipeline.verdicts import Bound, Check, Verdict, write_verdict

PROJECT = Path(rlhf_pipeline.__file__).parents[1]


def check(name, value, half, bound):
    low, high = value - half, value + half
    passed = (bound.at_least is None or low >= bound.at_least) and (bound.at_most is None or high <= bound.at_most)
    return Check(name=name, value=value, low=low, high=high, bound=bound, passed=passed)


def verdict(*checks):
    return Verdict(admitted=all(c.passed or c.bound.severity == "warn" for c in checks), checks=list(checks))


def write_csv(path, rows):
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w", newline="") as lines:
        writer = csv.DictWriter(lines, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def write_curation(data):
    checks = [
        check("rows/train", 5210, 0, Bound(at_least=500)),
        check("leaked_groups", 0, 0, Bound(at_most=0)),
        check("dropped_fraction", 0.081, 0, Bound(at_most=0.3)),
        check("longer_chosen_fraction", 0.61, 0.01, Bound(at_least=0.2, at_most=0.6, severity="warn")),
    ]
    write_verdict(data / "curation/verdict.json", verdict(*checks))
    metrics = {
        "rows/read": 8000,
        "rows/train": 5210,
        "rows/validation": 802,
        "rows/test": 799,
        "dropped_fraction": 0.081,
        "longer_chosen_fraction": 0.61,
        "leaked_groups": 0,
        "contradictory_pairs": 0,
    }
    write_json(data / "curation/metrics.json", metrics)
    dropped = [
        {"id": str(i), "filter": name, "reason": why, "row": {}}
        for i, (name, why) in enumerate(
            [("near_duplicates", "nearly the same as 4f1c")] * 40 + [("usable", "empty <chosen>")] * 7
        )
    ]
    write_rows(data / "curation/dropped.jsonl", dropped)


def write_models(data, members):
    steps = range(0, 201, 20)
    for number, name in enumerate(members):
        rows = [
            {
                "step": s,
                "loss": 0.69 - 0.3 * (1 - math.exp(-s / 60)),
                "accuracy": 0.5 + (0.3 + 0.01 * number) * (1 - math.exp(-s / 50)),
            }
            for s in steps
        ]
        write_csv(data / f"rewards/curves/{name}.csv", rows)
    for name, end in (("first", 1.1), ("second", 1.15), ("judge", 1.2)):
        write_csv(data / f"sft/curves/{name}.csv", [{"step": s, "loss": end + 4 * math.exp(-s / 40)} for s in steps])


def finding(check, metric, value, half, description):
    known = {"check": check, "metric": metric, "value": value, "num_items": 799, "description": description, "note": ""}
    return known | {"low": value - half, "high": value + half}


def write_validation(data, members, accuracy):
    values = {"ensemble": accuracy, "member_mean": accuracy - 0.03}
    values |= {name: accuracy - 0.02 - 0.006 * number for number, name in enumerate([*members, "evaluator"])}
    ordered = "Share of test pairs ordered as labelled by"
    findings = [
        finding("accuracy", f"accuracy/{name}", v, 0.02, f"{ordered} the {name}.") for name, v in values.items()
    ]
    told = "Share of contrast items whose fitting completion scores higher by the ensemble."
    findings.append(finding("contrast", "contrast_consistency/ensemble", 0.91, 0.03, told))
    lost = {"id": "c-7", "prompt": user("write about a red fox in <b>winter</b>"), "should_win": assistant("a fox ."),
            "should_lose": assistant("a dog ."), "margin": -2.31}  # fmt: skip
    bins = [{"predicted": p, "observed": p - 0.12 * (p - 0.5), "count": 90} for p in (0.55, 0.65, 0.75, 0.85, 0.95)]
    models = [{"name": name, "scale": 1.2, "accuracy": values[name]} for name in [*members, "evaluator"]]
    audit = {"findings": findings, "worst": {"accuracy": [], "contrast": [lost]}, "calibration": bins}
    write_json(data / "validation/audit.json", audit | {"members": models[:-1], "evaluators": models[-1:]})
    checks = [check("accuracy/ensemble", accuracy, 0.02, Bound(at_least=0.55)),
              check("contrast_consistency/ensemble", 0.91, 0.03, Bound(at_least=0.7))]  # fmt: skip
    write_verdict(data / "validation/verdict.json", verdict(*checks))
    metrics = {"accuracy/ensemble": accuracy, "accuracy/member_mean": accuracy - 0.03}
    more = {"contrast_consistency/ensemble": 0.91, "contrast_consistency/member_mean": 0.87}
    write_json(data / "validation/metrics.json", metrics | more)


def write_policy(data, has_gold):
    rows = [
        {
            "step": s,
            "proxy_reward": 2.4 * (1 - math.exp(-s / 70)),
            "kl": 0.09 * s**0.9,
            "completion_tokens": 22 + s / 40,
            "disagreement": 0.3 + s / 900,
            "truncated_fraction": 0.02,
        }
        for s in range(0, 201, 5)
    ]
    write_csv(data / "policy/trajectory.csv", rows)
    write_json(data / "policy/metrics.json", {"proxy_reward": 2.2, "kl": 9.9})
    curve = [
        {
            "step": r["step"],
            "kl": r["kl"],
            "proxy_reward": r["proxy_reward"],
            "evaluator_reward": 1.5 * (1 - math.exp(-r["step"] / 60)),
            "gold_reward": 1.3 + 1.6 * (1 - math.exp(-r["step"] / 55)) - r["step"] / 420 if has_gold else "",
            "disagreement": r["disagreement"],
        }
        for r in rows[::4]
    ]
    write_csv(data / "evaluation/curve.csv", curve)


def write_evaluation(data, has_gold, gain):
    metrics = {
        "proxy_reward/reference": 0.0,
        "proxy_reward/policy": 2.2,
        "evaluator_reward/reference": 0.01,
        "evaluator_reward/policy": gain,
        "evaluator_gain": gain,
        "evaluator_gain_low": gain - 0.2,
        "evaluator_gain_high": gain + 0.2,
        "win_rate/evaluator": 0.78,
        "win_rate/proxy": 0.91,
        "kl": 9.9,
        "completion_tokens/reference": 22.1,
        "completion_tokens/policy": 26.8,
        "distinct_2/reference": 0.83,
        "distinct_2/policy": 0.61,
        "truncated_fraction/reference": 0.01,
        "truncated_fraction/policy": 0.02,
    }
    if has_gold:
        slots = ("subject", "colour", "place", "mood", "length", "fluency", "repetition", "forbidden")
        metrics |= {
            "gold_reward/reference": 1.31,
            "gold_reward/policy": 2.92,
            "gold_reward/policy_low": 2.8,
            "gold_reward/policy_high": 3.05,
            "gold_gain": 1.61,
            "gold_gain_low": 1.49,
            "gold_gain_high": 1.74,
            "gold_gap_closed": 0.58,
            "gold_best": 4.1,
            "win_rate/gold": 0.81,
            "gold_agreement/ensemble": 0.83,
            "gold_agreement/member_mean": 0.80,
        }
        for number, slot in enumerate(slots):
            metrics |= {
                f"gold_attribute/{slot}/reference": 0.4 + 0.05 * number,
                f"gold_attribute/{slot}/policy": 0.92 - 0.06 * number,
            }
    write_json(data / "evaluation/metrics.json", metrics)
    write_verdict(
        data / "evaluation/verdict.json",
        verdict(
            check("evaluator_gain", gain, 0.2, Bound(at_least=0)),
            check("truncated_fraction/policy", 0.02, 0.01, Bound(at_most=0.5)),
        ),
    )
    gold = {"gold_reward": 3.1} if has_gold else {}
    rows = [
        {
            "id": str(i),
            "prompt": user(f"say something calm about fox {i}"),
            "reference": {"completion": "the fox runs .", "proxy_reward": -0.2, "evaluator_reward": 0.1, **gold},
            "policy": {
                "completion": "<script>alert(1)</script> the calm fox rests ." if i else "",
                "proxy_reward": 1.9,
                "evaluator_reward": 1.1 - 0.4 * i,
                **gold,
            },
        }
        for i in range(8)
    ]
    write_rows(data / "evaluation/samples.jsonl", rows)


def open_gate(data, stage, is_admitted=True, is_enforced=True):
    write_json(data / f"gate/{stage}.json", {"admitted": is_admitted, "enforced": is_enforced})


def fill_outs(root, stages):
    """Make every output of these families exist, so that the night counts as having come this far."""
    for family in read_families(root):
        for out in family.outs if family.name in stages else ():
            (root / out).parent.mkdir(parents=True, exist_ok=True)
            if not (root / out).exists():
                (root / out).write_text("{}" if out.endswith("json") else "")


@pytest.fixture(scope="module")
def make_night(tmp_path_factory):
    """Return a function that lays a night's files into a folder: how far it came, and how it went."""

    def make(*, accuracy=0.79, gain=1.4, has_gold=True, is_enforced=True):
        root = tmp_path_factory.mktemp("night")
        for name in ("dvc.yaml", "params.yaml"):
            shutil.copy(PROJECT / name, root / name)
        data, members = root / "data", ["a", "b", "c", "d"]
        write_curation(data)
        open_gate(data, "curation", is_enforced=is_enforced)
        write_models(data, [*members, "evaluator"])
        write_validation(data, members, accuracy)
        fill_outs(root, {"curation", "sft", "denoising", "rewards", "validation"})
        is_admitted = accuracy - 0.02 >= 0.55
        if is_admitted or not is_enforced:
            open_gate(data, "validation", is_admitted, is_enforced)
            write_policy(data, has_gold)
            write_evaluation(data, has_gold, gain)
            fill_outs(root, {"policy", "evaluation"})
            if gain - 0.2 >= 0 or not is_enforced:
                open_gate(data, "evaluation", gain - 0.2 >= 0, is_enforced)
        return root

    return make


class WordCounter(Ensemble):
    """An ensemble of two whose members like long replies, the second twice as much, each with a constant per prompt."""

    def member_rewards(self, conversations, threads=1):
        counts = [len(c[-1]["content"].split()) for c in conversations]
        quirks = [len(c[0]["content"]) for c in conversations]
        rows = [
            [n + 3.0 * q for n, q in zip(counts, quirks, strict=True)],
            [2.0 * n - q for n, q in zip(counts, quirks, strict=True)],
        ]
        return torch.tensor(rows)


@pytest.fixture
def word_counter():
    """Return an ensemble whose normalised reward is the number of words above the reference's."""
    ones = torch.tensor([1.0, 2.0])
    return WordCounter(dict.fromkeys("ab", SimpleNamespace(num_heads=1)), Statistics(ones, ones, ones))


class WordWorld:
    """A world where a completion is worth its words, at most five, and politeness is asked only of some prompts."""

    def gold(self, prompt, completion):
        attributes = {"length": min(len(completion.split()), 5) / 5}
        if "polite" in prompt:
            attributes["polite"] = float("please" in completion)
        return SimpleNamespace(total=5.0 * attributes["length"], attributes=attributes)

    def best(self, prompt):
        return 5.0


@pytest.fixture
def word_gold():
    """Return the gold reward of a world where a completion is worth its words, at most five."""
    return Gold(WordWorld())
