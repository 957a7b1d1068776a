"""Kinds of ensembles and what each is worth in one seed's world: how its members differ, and what joins them."""

import time
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from itertools import combinations
from pathlib import Path
from statistics import mean
from typing import Any

import torch
from sklearn.metrics import roc_auc_score
from torch import Tensor

from benchmarks.claims.lab import Lab
from benchmarks.claims.parts import ensembles, joining, larger, policies, reading, samples, voices, worlds
from rlhf_pipeline import methods
from rlhf_pipeline.records import text
from rlhf_pipeline.scoring import score_all
from rlhf_pipeline.validation.checks.uncertainty import rejection_curve
from rlhf_pipeline.validation.members import load_members

SLICES = {"in": "plain", "out": "shifted"}
COVERAGE = tuple(step / 10 for step in range(1, 11))
NUM_TIMED = 500
ALONE = "one member"
LONG = "one member, four times as long"
SINGLE = (ALONE, LONG)
BEST = "gold of best of 64"
Measured = dict[str, float]


def two(same_trunk: bool) -> Callable[[Lab], list[list[Path]]]:
    """Return what gives every pair of the night's members that shares a trunk, or that does not."""

    def chosen(lab: Lab) -> list[list[Path]]:
        models, trunks = ensembles.strong(lab), list(ensembles.TRUNKS.values())
        return [[models[i], models[j]] for i, j in combinations(range(4), 2) if (trunks[i] == trunks[j]) is same_trunk]

    return chosen


APART = ("a", "b")
"""Of the night's members, one on each trunk."""
KINDS: Mapping[str, Callable[[Lab], list[list[Path]]]] = {
    ALONE: lambda lab: [[model] for model in ensembles.strong(lab)],
    LONG: lambda lab: [[larger.long(lab)]],
    "two fine-tunings of one trunk": two(same_trunk=True),
    "two trunks": two(same_trunk=False),
    "two fine-tunings of two trunks (a night's four)": lambda lab: [ensembles.strong(lab)],
    "the same four on 500 pairs": lambda lab: [ensembles.weak(lab)],
    "two of each": lambda lab: [ensembles.mixed(lab)],
    "four heads on one trunk": lambda lab: [[voices.member(lab, name, heads=4)] for name in APART],
    "four snapshots of one training": lambda lab: [[voices.member(lab, name, snapshots=4)] for name in APART],
}
"""Each gives one or more ensembles of its kind; what is measured is their mean."""
VOICED = ("four heads on one trunk", "four snapshots of one training")
"""Their members have several voices."""


def sample_rewards(lab: Lab, kind: str, models: Sequence[Path]) -> Tensor:
    """Return the raw reward of every sample by every voice, [K, P, n]."""
    drawn = samples.draw(lab)
    if kind in VOICED:
        return torch.cat([voices.rewards(lab, model, drawn) for model in models])
    return samples.rewards(lab, models, drawn)


def pair_rewards(lab: Lab, kind: str, models: Sequence[Path], split: str) -> tuple[Tensor, Tensor]:
    """Return the raw rewards of the chosen and the rejected side of a split's pairs by every voice, each [K, M]."""
    if kind in VOICED:
        chosen, rejected = zip(*(voices.pair_rewards(lab, model, split) for model in models), strict=True)
        return torch.cat(chosen), torch.cat(rejected)
    return samples.pair_rewards(lab, models, split)


def fit(lab: Lab, kind: str, models: Sequence[Path], scale: Tensor, aggregator: str) -> dict[str, Any]:
    """Return what an aggregator learns from the validation pairs; nothing where it learns nothing."""
    chosen, rejected = (side / scale for side in pair_rewards(lab, kind, models, "validation"))
    return reading.fit(lab, (chosen, rejected), aggregator)


BY_MARGIN = "auroc by margin"
POLICIES = "after policies"
OPTIMISED = {"one": 1, "four": 4}
"""How many of the weak members are optimised against."""


def auroc(scores: Tensor, is_positive: Tensor) -> float:
    """Return the chance that a positive scores above a negative, ties half; both [N]."""
    return float(roc_auc_score(is_positive, scores))


def rejection(disagreement: Tensor, is_right: Tensor) -> dict[str, float]:
    """Return the share of right answers among the least disputed part of N pairs, for each coverage."""
    order = disagreement.argsort(stable=True)
    curve = rejection_curve(is_right[order].double().numpy(), len(COVERAGE))
    return {f"right at {share:.0%}": point["accuracy"] for share, point in zip(COVERAGE, curve, strict=True)}


@lru_cache(maxsize=1)
def gold_of_samples(lab: Lab) -> Tensor:
    """Return the gold reward of every sample, [P, n]; taken once for all kinds and aggregators."""
    return samples.gold(lab, samples.draw(lab))


@lru_cache(maxsize=1)
def gold_margins(lab: Lab) -> tuple[Tensor, list[str]]:
    """Return gold of the chosen less that of the rejected side of every test pair, [M], and the slice of each."""
    rows, world = worlds.pairs(lab, "test"), worlds.world(lab)
    sides = [[world.gold(row["group"], text(row[side])).total for side in ("chosen", "rejected")] for row in rows]
    return torch.tensor(sides) @ torch.tensor([1.0, -1.0]), [row["slice"] for row in rows]


def on_pairs(lab: Lab, kind: str, models: Sequence[Path], aggregator: str, split: str, scale: Tensor) -> Measured:
    """Return agreement with gold, and what disagreement tells of mistakes, on a slice of the test pairs.

    Args:
        lab: whose pairs.
        kind: of ensemble.
        models: its members, K voices together.
        aggregator: its name.
        split: a slice of the test pairs.
        scale: [K, 1] each voice's spread within prompts.
    """
    gold, slices = gold_margins(lab)
    chosen = torch.tensor([name == split for name in slices])
    chosen &= gold != 0
    sides = [side[:, chosen] / scale for side in pair_rewards(lab, kind, models, "test")]
    centre = (sides[0] + sides[1]) / 2
    normalised = torch.stack([side - centre for side in sides], dim=2)
    rows = [row for row, is_chosen in zip(worlds.pairs(lab, "test"), chosen.tolist(), strict=True) if is_chosen]
    said = [row["prompt"] + row[side] for row in rows for side in ("chosen", "rejected")]
    joined = reading.join(normalised, said, aggregator, fitted=fit(lab, kind, models, scale, aggregator))
    is_right = (joined[:, 0] > joined[:, 1]) == (gold[chosen] > 0)
    found = {"agreement": float(is_right.float().mean())}
    if len(normalised) > 1:
        spread = normalised.std(dim=0, correction=0).mean(dim=1)
        found |= {"auroc": auroc(spread, ~is_right), **rejection(spread, is_right)}
    return found | {BY_MARGIN: auroc(-(joined[:, 0] - joined[:, 1]).abs(), ~is_right)}


def measure(lab: Lab, kind: str, aggregator: str) -> Measured:
    """Return what one aggregator makes of one kind of ensemble, mean over the ensembles of that kind."""
    gold, said, found = gold_of_samples(lab), samples.draw(lab).conversations, []
    for models in KINDS[kind](lab):
        raw = sample_rewards(lab, kind, models)
        scale = joining.spread(raw)
        fitted = fit(lab, kind, models, scale, aggregator)
        joined = reading.join(joining.on_one_scale(raw), said, aggregator, fitted=fitted)
        measured = {BEST: joining.gold_of_best(joined, gold)}
        for where, split in SLICES.items():
            on = on_pairs(lab, kind, models, aggregator, split, scale)
            measured |= {f"{name}, {where}": value for name, value in on.items()}
        found.append(measured)
    return {name: mean(one[name] for one in found) for name in found[0]}


def measure_seed(seed: int) -> dict[str, Measured]:
    """Return everything in one seed's world, by kind and aggregator, with what the kind costs."""
    torch.set_num_threads(1)
    lab, found = Lab(seed), {}
    for kind in KINDS:
        cost = cost_of(lab, KINDS[kind](lab)[0])
        for aggregator in ["mean"] if kind in SINGLE else methods.names(joining.AGGREGATORS):
            found[f"{kind} | {aggregator}"] = measure(lab, kind, aggregator) | cost
    return found | {POLICIES: after_policies(lab)}


def after_policies(lab: Lab) -> Measured:
    """Return gold where one weak member or four are optimised: by the best of n, and by a policy."""
    models = ensembles.weak(lab)
    gold, raw = gold_of_samples(lab), samples.rewards(lab, models, samples.draw(lab))
    found = {f"{BEST}, {name}": joining.gold_of_best(joining.join(raw[:k]), gold) for name, k in OPTIMISED.items()}
    found |= {f"policy, {name}": policies.gold_after(lab, models[:k]) for name, k in OPTIMISED.items()}
    for way in (BEST, "policy"):
        found[f"{way}, gain"] = found[f"{way}, four"] - found[f"{way}, one"]
    return {"gold of a sample": float(gold.mean()), **found}


def cost_of(lab: Lab, models: Sequence[Path]) -> Measured:
    """Return an ensemble's size on disk, and its seconds for scoring a thousand completions on one thread."""
    said = samples.draw(lab).conversations[:NUM_TIMED]
    loaded = [one for m in models for one in load_members(m.parent, [m.name], None).values()]
    begun = time.process_time()
    score_all(loaded, said)
    seconds = (time.process_time() - begun) * 1000 / len(said)
    size = sum(path.stat().st_size for model in models for path in model.rglob("*") if path.is_file())
    return {"seconds per 1,000": seconds, "MB": size / 1e6}
