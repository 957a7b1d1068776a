"""How far apart rewards are in what they tell a policy: STARC of Skalse et al. 2023 (arXiv:2309.15257), for one step.

What a policy cannot see is taken away: a constant per prompt, and the scale. 0: every policy is ordered alike; 2: the
opposite is wanted. Two rewards that have nothing to do with each other are 1.41 apart.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
from pydantic import Field

from rlhf_pipeline.intervals import MIN_CLUSTERS, TOO_FEW
from rlhf_pipeline.methods import MethodParams
from rlhf_pipeline.records import Row
from rlhf_pipeline.validation.checks import ENSEMBLE, Context, Finding, Items, Result
from rlhf_pipeline.validation.checks._comparisons import NUM_WORST, describe
from rlhf_pipeline.validation.checks._resampling import percentile_interval
from rlhf_pipeline.validation.checks._starc import Floats, resampled_distances, standardise
from rlhf_pipeline.validation.items import Comparison, Inputs, Table, add_pairs
from rlhf_pipeline.verdicts import Interval

BETWEEN = {
    "starc_distance/members": "Distance between the rewards of two members, averaged over all pairs of members.",
    "starc_distance_max/members": "Distance between the two members that are farthest apart.",
}


class Params(MethodParams):
    """Where a gold reward stands, if there is one."""

    gold: str = Field(
        default="gold", min_length=1, description="columns chosen_<gold> and rejected_<gold> hold the true reward"
    )


@dataclass(frozen=True)
class Known(Comparison):
    """A pair whose true rewards are known."""

    gold: tuple[float, float] = (0.0, 0.0)
    """Of the better and of the worse side."""


@dataclass(frozen=True)
class Texts:
    """The distinct completions of some pairs."""

    rows: Sequence[int]
    """[N] in the table."""
    groups: Sequence[str]
    """[N] the prompt of each."""
    clusters: Sequence[str]
    """[N]."""


def collect(inputs: Inputs, table: Table, params: Params) -> Items:
    """Enter chosen and rejected of every test pair; those whose gold reward is known also stand apart."""
    pairs = add_pairs(inputs.test, table)
    golds = [_gold(row, params) for row in inputs.test]
    known = [
        Known(pair.id, pair.better, pair.worse, pair.cluster, pair.slice, gold)
        for pair, gold in zip(pairs, golds, strict=True)
        if gold
    ]
    return {"test": pairs, "known": known}


def check(items: Items, context: Context, params: Params) -> Result:
    """Return how far members are apart, two at a time, and how far each is from gold where that is known."""
    texts, names = texts_of(items["test"], context), [*context.members]
    to_gold = _to_gold(items["known"], context)
    if len(names) < 2 or not texts.rows:
        nothing = Interval(note="one member" if texts.rows else "no items")
        return Result([*(Finding(metric, nothing, 0, told) for metric, told in BETWEEN.items()), *to_gold])
    rewards = np.stack([_rewards(context, name, texts.rows) for name in names])
    distances, draws = resampled_distances(rewards, texts.groups, texts.clusters, context.seed)
    intervals = [
        _interval(distances.mean(), draws.mean(axis=1), texts),
        _interval(distances.max(), draws.max(axis=1), texts),
    ]
    findings = [
        Finding(metric, interval, len(texts.rows), told)
        for (metric, told), interval in zip(BETWEEN.items(), intervals, strict=True)
    ]
    both = list(combinations(range(len(names)), 2))
    table = [
        {"first": names[j], "second": names[k], "distance": round(float(distance), 6)}
        for (j, k), distance in zip(both, distances, strict=True)
    ]
    farthest = list(both[int(distances.argmax())])
    worst = _disputed(items["test"], standardise(rewards[farthest], texts.groups), texts, context.table)
    return Result([*findings, *to_gold], worst, table)


def texts_of(pairs: Sequence[Comparison], context: Context) -> Texts:
    """Return the distinct completions of pairs; a completion of several is of the first one's cluster."""
    clusters: dict[int, str] = {}
    for pair in pairs:
        for row in (pair.better, pair.worse):
            clusters.setdefault(row, pair.cluster)
    return Texts([*clusters], [context.table.prompts[row] for row in clusters], [*clusters.values()])


def _to_gold(known: Sequence[Comparison], context: Context) -> list[Finding]:
    """Return how far the ensemble, each member and each evaluator are from gold; one empty finding without gold."""
    told = "Distance of the reward of {} from the gold reward."
    pairs = [pair for pair in known if isinstance(pair, Known)]
    if not pairs:
        metric, note = f"starc_distance_to_gold/{ENSEMBLE}", "no pair carries a gold reward"
        return [Finding(metric, Interval(note=note), 0, told.format("the ensemble"))]
    texts = texts_of(pairs, context)
    gold = {row: value for pair in pairs for row, value in zip((pair.better, pair.worse), pair.gold, strict=True)}
    truth = np.array([gold[row] for row in texts.rows])
    findings = []
    for name in (ENSEMBLE, *context.normalised):
        rewards = np.stack([truth, _rewards(context, name, texts.rows)])
        value, draws = resampled_distances(rewards, texts.groups, texts.clusters, context.seed)
        who = "the ensemble" if name == ENSEMBLE else name
        interval = _interval(value[0], draws[:, 0], texts)
        findings.append(Finding(f"starc_distance_to_gold/{name}", interval, len(texts.rows), told.format(who)))
    return findings


def _interval(value: float, draws: Floats, texts: Texts) -> Interval:
    if len(set(texts.clusters)) < MIN_CLUSTERS:
        return Interval(value=float(value), note=TOO_FEW)
    return percentile_interval(float(value), draws)


def _rewards(context: Context, name: str, rows: Sequence[int]) -> Floats:
    rewards = context.reward if name == ENSEMBLE else context.normalised[name]
    return np.asarray(rewards[list(rows)].double().numpy())


def _disputed(pairs: Sequence[Comparison], standard: Floats, texts: Texts, table: Table) -> list[Mapping[str, Any]]:
    """Return the pairs on which two members part most, by the difference of their standardised margins."""
    place = {row: number for number, row in enumerate(texts.rows)}
    apart = [standard[1, place[p.better]] - standard[1, place[p.worse]] for p in pairs]
    margins = np.array([standard[0, place[p.better]] - standard[0, place[p.worse]] for p in pairs]) - apart
    return [describe(pairs[i], float(margins[i]), table) for i in np.argsort(-np.abs(margins))[:NUM_WORST]]


def _gold(row: Row, params: Params) -> tuple[float, float] | None:
    found = [row.get(f"{side}_{params.gold}") for side in ("chosen", "rejected")]
    numbers = [value for value in found if isinstance(value, int | float) and not isinstance(value, bool)]
    return (float(numbers[0]), float(numbers[1])) if len(numbers) == 2 else None
