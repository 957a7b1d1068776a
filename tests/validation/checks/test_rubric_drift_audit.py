"""Tests of the audit by domain: a judge that follows length on two subjects of six, and judges that do not."""

import random
from dataclasses import replace

import pytest
import torch

from benchmarks import simulated_judges
from benchmarks.claims.parts import audits
from benchmarks.defects import Case
from rlhf_pipeline.params import load_params
from rlhf_pipeline.records import assistant, text, user
from rlhf_pipeline.simulation.pairs import draw_pairs
from rlhf_pipeline.simulation.words import SUBJECTS
from rlhf_pipeline.simulation.world import World, WorldParams
from rlhf_pipeline.validation import audit
from rlhf_pipeline.validation.checks._domains import contrast, find_domains
from rlhf_pipeline.validation.checks.rubric_drift_audit import Params, domains_of
from rlhf_pipeline.validation.items import Inputs

WORLD = World(0, WorldParams())
CHECKS = ["accuracy", "rubric_drift_audit"]
LEAST, GAP, LEAN, DRIFTED = (
    f"{name}/ensemble" for name in ("domain_agreement_least", "domain_gap", "domain_lean", "domains_drifted")
)


@pytest.fixture(scope="module")
def judged() -> Case:
    """Pairs of a real world, half of them named, and what a judge of them sees."""
    inputs = Inputs(test=draw_pairs(WORLD, 800, "test"), validation=draw_pairs(WORLD, 40, "validation"))
    planned = audit.plan(inputs, CHECKS, {})
    worth = simulated_judges.worth(WORLD, planned.table)[None]
    return Case(planned, worth, worth, lambda said: torch.empty(0), number=0, seed=0)


def run_judge(case: Case, plant, number: int):
    case = replace(case, number=number, seed=number)
    results = audits.of_subject(case.planned, plant(case), ["judge"], load_params().validation, seed=number)
    return audit.intervals(results), results["rubric_drift_audit"]


DRIFT = simulated_judges.DEFECTS["drifted rubric"].plant


def test_a_drifted_rubric_is_found_where_it_drifted_while_the_aggregate_stays(judged):
    num_found = 0
    for number in (1, 2, 4, 5, 7, 8):  # length counts 2 or 4 times as much as worth
        found, result = run_judge(judged, DRIFT, number)
        subjects = set(replace(judged, seed=number).rng.sample(sorted(SUBJECTS), simulated_judges.NUM_DOMAINS))
        drifted = [row for row in result.rows if row["drifted"]]
        num_found += bool(drifted)
        assert found[DRIFTED].value == len(drifted)
        assert found["accuracy/ensemble"].low > 0.6
        assert all(set(row["domain"].split(", ")) & subjects for row in drifted)
        assert {row["wrong_decisions_lean_to"] for row in drifted} <= {"more length"}
        assert all(row["lean"] > row["lean_elsewhere"] for row in drifted)
    assert num_found >= 5


def test_the_worst_domain_is_shown_with_what_was_decided_wrongly_in_it(judged):
    found, result = run_judge(judged, DRIFT, 2)
    assert found[LEAN].low > 0.05
    assert found[LEAN].note == f"{result.rows[0]['domain']}: more length"
    assert {item["slice"] for item in result.worst} == {result.rows[0]["domain"]}
    assert all(item["margin"] < 0 for item in result.worst)


def test_sound_judges_rarely_alarm(judged):
    found = [run_judge(judged, simulated_judges.sound, number)[0] for number in range(8)]
    assert sum(one[DRIFTED].value > 0 for one in found) <= 1
    assert sum(one[GAP].low > 0 for one in found) <= 1
    assert all(one[LEAST].low < one[LEAST].value < one[LEAST].high for one in found)


def test_a_sound_reward_is_right_in_every_domain(inputs, run_audit):
    found = run_audit(inputs, ["perfect"], checks=["rubric_drift_audit"], settings={})
    assert (found.value(LEAST), found.value(GAP), found.value(DRIFTED)) == (1, 0, 0)
    assert [row["domain"] for row in found.results["rubric_drift_audit"].rows] == ["shifted"]


def named(number: int, is_turned: bool) -> dict:
    """Return a pair of one of four named domains; the longer side is better in half of them."""
    sides = ["good " * (4 + number % 2), "bad " * (5 - number % 2)]
    return {
        "id": str(number),
        "prompt": user(f"say {number}"),
        "chosen": assistant(sides[0].strip()),
        "rejected": assistant(sides[1].strip()),
        "domain": ("law", "math", "code", "chat")[number % 4],
    } | {"turned": is_turned}


def test_a_domain_turned_round_is_named_with_its_numbers(run_audit, scorers):
    # In `math` a third of 75 decisions goes to the rejected side; its number is odd, so chosen has 5 words "good" (24
    # characters) and rejected 4 of "bad" (15): the wrong decisions go to the shorter side.
    rows = [named(n, is_turned=n % 12 == 1) for n in range(300)]
    turned = {text(row["prompt"]) for row in rows if row["turned"]}
    scorers["turned"] = lambda p, c: float(("good" in c) != (p in turned))
    found = run_audit(
        Inputs(test=rows, validation=rows[:20]),
        ["turned"],
        checks=["rubric_drift_audit"],
        settings={"rubric_drift_audit": {"domains": "named"}},
    )
    first, *rest = found.results["rubric_drift_audit"].rows
    assert (first["domain"], first["pairs"], first["accuracy"], first["accuracy_elsewhere"]) == (
        "math", 75, pytest.approx(2 / 3, abs=1e-6), 1.0,
    )  # fmt: skip
    assert (first["wrong_decisions_lean_to"], first["lean"]) == ("less length", pytest.approx(-1 / 3, abs=1e-6))
    assert first["drifted"]
    assert not any(row["drifted"] for row in rest)
    assert [row["domain"] for row in rest if "," in row["domain"]] == []
    interval = audit.intervals(found.results)[GAP]
    # standard error of a share of 1/3 among 75: 0.054; four domains at 5 %: 2.5 of them
    assert interval.value == pytest.approx(1 / 3)
    assert interval.low == pytest.approx(1 / 3 - 2.5 * 0.0544, abs=0.02)
    assert audit.intervals(found.results)[DRIFTED].note == interval.note == "math"


def test_a_difference_within_the_tolerance_is_no_drift(run_audit, scorers):
    rows = [named(n, is_turned=n % 12 == 1) for n in range(300)]
    turned = {text(row["prompt"]) for row in rows if row["turned"]}
    scorers["turned"] = lambda p, c: float(("good" in c) != (p in turned))
    settings = {"rubric_drift_audit": {"domains": "named", "tolerance": 0.4}}
    inputs = Inputs(test=rows, validation=rows[:20])
    assert run_audit(inputs, ["turned"], checks=["rubric_drift_audit"], settings=settings).value(DRIFTED) == 0


def test_sides_that_differ_in_no_feature_lean_nowhere(run_audit, scorers):
    rows = [{**named(n, is_turned=False), "rejected": assistant("evil " * (4 + n % 2))} for n in range(200)]
    rows = [{**row, "rejected": assistant(text(row["rejected"]).strip())} for row in rows]
    scorers["good"] = lambda p, c: float("good" in c)
    found = run_audit(Inputs(test=rows, validation=rows[:20]), ["good"], checks=["rubric_drift_audit"])
    assert (found.value(LEAN), found.value(DRIFTED), found.value(GAP)) == (None, 0, 0)


def test_what_is_too_few_is_not_measured(inputs, run_audit):
    for test in ([], inputs.test[:20]):
        found = run_audit(replace(inputs, test=test), ["perfect"], checks=["rubric_drift_audit"])
        assert {found.value(name) for name in (LEAST, GAP, LEAN, DRIFTED)} == {None}


def test_prompts_of_one_matter_are_one_domain_named_by_its_words():
    rng = random.Random(0)
    matters = {"cooking": "pan oven soup bread", "sailing": "mast rope wind harbour", "chess": "queen rook pawn board"}
    prompts = [(name, f"tell me of the {' '.join(rng.sample(words.split(), 2))} in {name}")
               for name, words in matters.items() for _ in range(30)]  # fmt: skip
    found = find_domains([prompt for _, prompt in prompts], 3, seed=0)
    of_matter = {name: {d for (n, _), d in zip(prompts, found, strict=True) if n == name} for name in matters}
    assert all(len(domains) == 1 and name in next(iter(domains)) for name, domains in of_matter.items())
    assert found == find_domains([prompt for _, prompt in prompts], 3, seed=0)


@pytest.mark.parametrize("prompts", [[], ["the", "of"], ["same words"] * 5])
def test_prompts_without_different_words_are_one_domain(prompts):
    assert len(set(find_domains(prompts, 4, seed=0))) <= 1


def test_a_domain_is_the_rows_slice_or_domain_and_else_found():
    rows = [{"prompt": user(f"{word} stories"), **part} for word, part in
            [("cat", {"slice": "a"}), ("dog", {"domain": "b"}), ("cow", {}), ("cow", {})]]  # fmt: skip
    named, found = domains_of(rows, Params(domains="named"))
    assert (named, found[:2], len(set(found[2:]))) == (["a", "b", None, None], [None, None], 1)
    named, found = domains_of(rows, Params(domains="found", num_domains=3))
    assert (named, len(set(found))) == ([None] * 4, 3)
    assert domains_of(rows, Params())[0][:2] == ["a", "b"]


def test_shares_inside_and_elsewhere_by_hand():
    # Two of four wrong inside, one of six elsewhere; a pair in no domain counts elsewhere.
    wrong = torch.tensor([1, 1, 0, 0, 1, 0, 0, 0, 0, 0]).double().numpy()[:, None]
    is_in = (torch.arange(10) < 4).numpy()[:, None]
    found = contrast(wrong, wrong * 0 + 1, is_in, [str(n) for n in range(10)], seed=0)
    assert (found.inside[0, 0], found.elsewhere[0, 0]) == (0.5, pytest.approx(1 / 6))
    assert (found.counts[0, 0], found.others[0, 0]) == (4, 6)
    assert found.difference[0, 0] == pytest.approx(1 / 3)
    # 0.3 wrong of all: variance 0.21, which is less than 0.25 / 4 inside allows
    assert found.error[0, 0] == pytest.approx(0.25, abs=0.04)


def test_a_small_domain_without_mistakes_is_not_sure():
    wrong = (torch.arange(100) >= 90).double().numpy()[:, None]
    is_in = (torch.arange(100) < 10).numpy()[:, None]
    found = contrast(wrong, wrong * 0 + 1, is_in, [str(n) for n in range(100)], seed=0)
    # 0.1 wrong of all: variance 0.09, so 0.09 / 10 inside and 0.09 / 90 elsewhere
    assert found.error[0, 0] == pytest.approx(0.009**0.5)
    assert found.difference_error[0, 0] == pytest.approx(0.01**0.5, rel=1e-6)
