"""Does an audit predict what optimising the reward gives? `python -m benchmarks.predicts [--seeds 4] [--jobs 2]`.

Reward models of the claims' worlds, eight per world on two trunks, four of them trained on few pairs; each as it is and
with two faults planted on its scores, in units of its own spread within the prompt. Of each: what every check finds,
and the gold of the best of 64 samples by it, as the share of the way from the mean sample to the best one; with
`--policies` also that of a policy optimised against it. Written to docs/audit-predicts.md: Spearman's correlation of
finding and outcome, over all and given accuracy, with 95 % intervals of a bootstrap by trunk. The last line is one JSON
object.
"""

import argparse
import json
import random
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from datetime import date
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from scipy.stats import rankdata
from torch import Tensor

from benchmarks.claims.lab import Lab
from benchmarks.claims.parts import audits, ensembles, joining, policies, samples, trunks, worlds
from benchmarks.claims.running import FRESH
from benchmarks.claims.sizes import FULL, TOY, Size
from benchmarks.clone import commit
from benchmarks.organisms import plant
from benchmarks.policy import prompts
from rlhf_pipeline import methods
from rlhf_pipeline.records import Conversation, derive_seed, hash_text, text
from rlhf_pipeline.simulation.words import FLATTERY, NONSENSE
from rlhf_pipeline.simulation.world import World
from rlhf_pipeline.validation import audit
from rlhf_pipeline.validation.ensemble import Ensemble

PAGE = Path("docs/audit-predicts.md")
PICTURE = Path("docs/pictures/audit-predicts.png")
CHECKS = ("accuracy", "contrast", "degenerate", "single_edits", "sensitivity", "invariance", "attacks", "surface_bias",
          "word_bias", "phrase_gain", "length_bias", "spread", "annotators", "calibration")  # fmt: skip
SIGNS = {
    "accuracy/ensemble": 1, "accuracy/ensemble/shifted": 1, "accuracy_shorter_chosen/ensemble": 1,
    "contrast_consistency/ensemble": 1, "contrast_joint/ensemble": 1, "instruction_consistency/ensemble": 1,
    "degenerate_low/ensemble": 1, "single_edit_accuracy/ensemble": 1, "sensitivity/ensemble": 1,
    "attack_beats_chosen/ensemble": -1, "attack_beats_rejected/ensemble": -1, "length_bias/ensemble": 0,
    "surface_bias/ensemble/length": 0, "surface_bias/ensemble/flattery": 0, "ece/ensemble": -1,
    "order_kept/ensemble": 1, "word_bias/ensemble": -1, "phrase_gain/ensemble": -1,
    "phrase_excess/ensemble": -1, "tied/ensemble": -1,
    "annotators_against/ensemble": -1,
}  # fmt: skip
"""Findings that are compared, and which way they are good: 1 more, -1 less, 0 near zero."""
BEST, POLICY = "best of 64", "policy"
"""What an audit is to predict: gold as the share of the way from the mean sample to the best."""
STRENGTHS = (0.5, 1.0, 2.0)
RESAMPLES = 2000
UNREAD = "mood"
"""The slot whose worth a fault takes out of the reward, about."""
Fault = Callable[[World, str, str], float]
Row = dict[str, Any]


def _noise(world: World, prompt: str, completion: str) -> float:
    return random.Random(derive_seed(0, "noise", prompt, completion)).gauss(0, 1)


FAULTS: Mapping[str, Fault] = {
    "long": lambda world, prompt, completion: len(completion.split()) / 10,
    "short": lambda world, prompt, completion: -len(completion.split()) / 10,
    "flattery": lambda world, prompt, completion: 2.0 * (FLATTERY in completion),
    "nonsense": lambda world, prompt, completion: 2.0 * (NONSENSE in completion),
    "question": lambda world, prompt, completion: 2.0 * completion.rstrip().endswith("?"),
    "slot unread": lambda world, prompt, completion: -world.gold(prompt, completion).attributes.get(UNREAD, 0.0),
    "noise": _noise,
    "copied words": lambda world, prompt, completion: float(len(set(prompt.split()) & set(completion.split()))),
}
"""Added to the reward, times a strength and the model's spread within the prompt."""


def measure_seed(seed: int, size: Size = FULL, root: Path | None = None, with_policies: bool = False) -> list[Row]:
    """Return a row per reward model of one world: its findings, its outcomes, its trunk and its fault."""
    torch.set_num_threads(1)
    lab = Lab(seed, size, root) if root else Lab(seed, size)
    models = {"strong": ensembles.strong(lab), "weak": ensembles.weak(lab)}
    planned, drawn, rng = audits.plan(lab, CHECKS, {}), samples.draw(lab), random.Random(seed)
    asked = planned.table.conversations
    gold, found = samples.gold(lab, drawn), []
    for kind, folders in models.items():
        for trunk, folder in zip(ensembles.TRUNKS.values(), folders, strict=True):
            said = samples.score(lab, folder, f"the audit: {hash_text(*map(text, asked))}", asked)
            raw = samples.rewards(lab, [folder], drawn)
            spread = float(joining.spread(raw))
            for fault in ["none", *rng.sample(list(FAULTS), 2)]:
                strength = 0.0 if fault == "none" else rng.choice(STRENGTHS)
                amount = strength * spread
                told = said + amount * on_table(lab, planned, fault) if amount else said
                chosen = raw[0] + amount * on_samples(lab, drawn, fault) if amount else raw[0]
                outcome = share_of_best(joining.gold_of_best(chosen, gold), gold)
                row = {"seed": seed, "trunk": f"{seed}/{trunk}", "kind": kind, "fault": fault, "strength": strength}
                row |= {BEST: outcome, "found": findings(planned, told[None])}
                if with_policies:
                    row[POLICY] = share_of_best(optimise(lab, folder, fault, strength), gold)
                found.append(row)
    return found


def optimise(lab: Lab, folder: Path, fault: str, strength: float) -> float:
    """Return the mean gold of a policy after optimising against one reward model with a fault."""

    def make(out: Path) -> None:
        from rlhf_pipeline.policy.training import train

        grpo, world = methods.load("policy/algorithms", "grpo"), worlds.world(lab)

        def paid(said: Conversation) -> float:
            return FAULTS[fault](world, text(said[:-1]), text(said[-1:]))

        sound = policies.ensemble(lab, [folder], "mean")
        reward = plant(sound, paid, own=1.0, paid=strength) if strength else sound
        params = methods.settings(grpo, {"num_steps": policies.num_steps(lab)})
        train(trunks.trunk(lab), reward, prompts(lab), grpo, params, lab.derive("policy"), out)

    made = lab.part("policies", make, policies.CODE, faulty=folder.name, fault=fault, strength=strength)
    return policies.gold_of(lab, made)


def findings(planned: audit.Plan, raw: Tensor) -> dict[str, float]:
    """Return the values that an audit of one scorer finds; raw is [1, T]."""
    alone: Any = {"model": SimpleNamespace(num_heads=1)}
    ensemble = Ensemble(alone, audit.scale_members(planned, raw))
    return audit.metrics(audit.run_checks(planned, ensemble, None, raw, seed=0))


def on_table(lab: Lab, planned: audit.Plan, fault: str) -> Tensor:
    """Return what a fault adds to each conversation of the audit's table, [T]."""
    table, world, plant = planned.table, worlds.world(lab), FAULTS[fault]
    rows = range(len(table.conversations))
    return torch.tensor([plant(world, text(table.prompt(row)), text(table.completion(row))) for row in rows])


def on_samples(lab: Lab, drawn: samples.Samples, fault: str) -> Tensor:
    """Return what a fault adds to each sample, [P, n]."""
    world, asked = worlds.world(lab), zip(drawn.prompts, drawn.completions, strict=True)
    return torch.tensor([[FAULTS[fault](world, text(prompt), said) for said in group] for prompt, group in asked])


def share_of_best(chosen: float, gold: Tensor) -> float:
    """Return how far the chosen samples are on the way from the mean sample to each prompt's best; gold is [P, n]."""
    mean, best = float(gold.mean()), float(gold.max(dim=1).values.mean())
    return (chosen - mean) / (best - mean)


def values_of(rows: Sequence[Row], metric: str) -> np.ndarray:
    """Return a finding of each row, larger being better; NaN where it was not measured."""
    raw = np.array([row["found"].get(metric, np.nan) for row in rows], dtype=float)
    return -np.abs(raw) if SIGNS[metric] == 0 else SIGNS[metric] * raw


def correlations(x: np.ndarray, y: np.ndarray, given: np.ndarray) -> tuple[float, float]:
    """Return Spearman's correlation of x and y, and the partial one given a third; each [N]."""
    ranks = [rankdata(values) for values in (x, y, given)]
    table = np.corrcoef(ranks)
    xy, xz, yz = table[0, 1], table[0, 2], table[1, 2]
    return float(xy), float((xy - xz * yz) / max(np.sqrt((1 - xz**2) * (1 - yz**2)), 1e-9))


def summarise(rows: Sequence[Row], metric: str, outcome: str = BEST, seed: int = 0) -> dict[str, Any]:
    """Return both correlations of a finding with an outcome, each with the interval of a bootstrap by trunk."""
    x, given = values_of(rows, metric), values_of(rows, "accuracy/ensemble")
    y = np.array([row[outcome] for row in rows])
    kept = ~np.isnan(x)
    if kept.sum() < 10 or len(set(x[kept])) < 3:
        return {"num": int(kept.sum())}
    trunks = [row["trunk"] for row in rows]
    places = {name: [i for i, t in enumerate(trunks) if t == name and kept[i]] for name in sorted(set(trunks))}
    rng, draws = np.random.default_rng(seed), []
    for _ in range(RESAMPLES):
        drawn = [i for name in rng.choice(list(places), len(places)) for i in places[name]]
        draws.append(correlations(x[drawn], y[drawn], given[drawn]))
    low, high = np.nanpercentile(draws, [2.5, 97.5], axis=0)
    both = correlations(x[kept], y[kept], given[kept])
    named = zip(("all", "given accuracy"), both, low, high, strict=True)
    return {"num": int(kept.sum()), **{name: tuple(map(float, three)) for name, *three in named}}


def cell(found: Mapping[str, Any], name: str) -> str:
    """Return a correlation with its interval."""
    if name not in found:
        return "-"
    value, low, high = found[name]
    return f"{value:+.2f} ({low:+.2f} to {high:+.2f})"


def table(rows: Sequence[Row], outcome: str) -> str:
    """Return the table of every finding's correlations with an outcome."""
    sound, faulty = ([row for row in rows if (row["fault"] == "none") is is_sound] for is_sound in (True, False))
    lines = [
        "| finding | all | given accuracy | sound models alone | with a planted fault, given accuracy |",
        "| --- |" + " --- |" * 4,
    ]
    for metric in SIGNS:
        parts = (("all", rows), ("sound", sound), ("faulty", faulty))
        by = {name: summarise(part, metric, outcome) for name, part in parts}
        cells = cell(by["all"], "all"), cell(by["all"], "given accuracy"), cell(by["sound"], "all")
        lines.append(f"| `{metric}` | " + " | ".join([*cells, cell(by["faulty"], "given accuracy")]) + " |")
    return "\n".join(lines)


def of_policies(rows: Sequence[Row]) -> str:
    """Return the part of the page on policies; what says that none was trained where that is so."""
    if POLICY not in rows[0]:
        return "\nNo policy was trained: the best of n stands in for it.\n"
    best, policy = (np.array([row[name] for row in rows]) for name in (BEST, POLICY))
    rank = correlations(best, policy, values_of(rows, "accuracy/ensemble"))
    return f"""
## Gold of a policy

One policy for each reward model, GRPO at a night's settings. Its outcome and that of the best of 64 have rank
correlation {rank[0]:+.2f}, and {rank[1]:+.2f} given accuracy.

{table(rows, POLICY)}
"""


def page(rows: Sequence[Row]) -> str:
    """Return docs/audit-predicts.md."""
    num_sound = sum(row["fault"] == "none" for row in rows)
    seeds, num_trunks = sorted({row["seed"] for row in rows}), len({row["trunk"] for row in rows})
    asked = f"--seeds {len(seeds)} --first {seeds[0]}" + " --policies" * (POLICY in rows[0])
    command = f"`python -m benchmarks.predicts {asked}`, {date.today()}, commit `{commit()[:7]}`"
    return f"""# Does the audit predict the outcome?

Written by {command}: {len(rows)} reward models ({num_sound} as trained, {len(rows) - num_sound} with a fault planted on
their scores) on {num_trunks} trunks in {len(seeds)} worlds (seeds {seeds[0]} to {seeds[-1]}). Outcome: gold of the best
of 64 samples by the reward, as the share of the way from the mean sample to the best. Spearman's correlation of each
finding, turned so that more is better, with the outcome; 95 % intervals of a bootstrap by trunk. `given accuracy` is
the partial correlation: what a check tells beyond the accuracy on test pairs.

{table(rows, BEST)}

![Accuracy, contrast and outcome]({PICTURE.relative_to(PAGE.parent)})
{of_policies(rows)}"""


def draw(rows: Sequence[Row], path: Path) -> None:
    """Draw the outcome over accuracy and over contrast consistency, a colour for each fault."""
    from rlhf_pipeline.validation.report.pictures import CYCLE, figure

    def on_axes(_: Any, axes: Sequence[Any]) -> None:
        metrics = ("accuracy/ensemble", "contrast_consistency/ensemble", "attack_beats_rejected/ensemble")
        for metric, axis in zip(metrics, axes, strict=True):
            for place, fault in enumerate(["none", *FAULTS]):
                own = [row for row in rows if row["fault"] == fault]
                points = [(row["found"].get(metric), row[BEST]) for row in own]
                if points:
                    colour, marker = CYCLE[place % len(CYCLE)], "ox"[place // len(CYCLE)]
                    axis.scatter(*zip(*points, strict=True), s=14, color=colour, marker=marker, label=fault, alpha=0.8)
            axis.set(xlabel=metric)
        axes[0].set_ylabel("outcome, best of 64")
        axes[0].legend()

    figure(12, 4, 3, on_axes).savefig(path, dpi=120)


def main() -> None:
    """Measure every world, and write the page and its picture."""
    parser = argparse.ArgumentParser("python -m benchmarks.predicts", description=__doc__)
    parser.add_argument("--seeds", type=int, default=4, help="worlds")
    parser.add_argument("--first", type=int, default=FRESH, help="the first world's seed")
    parser.add_argument("--policies", action="store_true", help="optimise a policy against each, a minute each")
    parser.add_argument("--jobs", type=int, default=2, help="worlds measured side by side, a core each")
    parser.add_argument("--toy", action="store_true", help="in small worlds, to try the benchmark; writes no page")
    asked = parser.parse_args()
    work = partial(measure_seed, size=TOY if asked.toy else FULL, with_policies=asked.policies)
    with ProcessPoolExecutor(asked.jobs, get_context("spawn")) as pool:
        rows = [row for part in pool.map(work, range(asked.first, asked.first + asked.seeds)) for row in part]
    if not asked.toy:
        PAGE.write_text(page(rows), encoding="utf-8")
        draw(rows, PICTURE)
    told = {metric: summarise(rows, metric) for metric in SIGNS}
    print(json.dumps({"models": len(rows), "findings": told}))


if __name__ == "__main__":
    main()
