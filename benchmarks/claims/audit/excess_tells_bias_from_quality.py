"""Self-preference as the excess over gold, against the plain share of own completions that a judge prefers.

The judge has no bias, and its own completions are the better ones more often than not: what is found is an error.
"""

import random
from dataclasses import replace

from benchmarks.claims import Claim, Settings
from benchmarks.claims.lab import Lab
from benchmarks.claims.parts import audits, judged, worlds
from rlhf_pipeline.records import Row, text

OWN_IS_BETTER = 0.8
"""Share of the pairs of which the judge's own side is the better one by gold."""
CHECK = "self_preference_bias"

CLAIM = Claim(
    method="validation/checks/self_preference_bias",
    paper="Chen et al. 2025, arXiv:2506.02592",
    says="the judge's preference less gold's tells bias from quality, which the plain preference does not",
    metric="size of the bias found in an unbiased judge whose own completions are better on 8 of 10 pairs",
    smallest=0.1,
    without=({"finding": "own_preferred/ensemble", "expected": 0.5},),
    with_=({"finding": "self_preference/ensemble", "expected": 0.0},),
    higher_is_better=False,
)


def measure(lab: Lab, settings: Settings) -> float:
    """Return how far a finding is from what it is without a bias."""
    inputs, rng = audits.inputs(lab), random.Random(lab.derive("own"))
    inputs = replace(inputs, test=[signed(lab, row, rng) for row in inputs.test])
    planned = judged.plan(lab, [CHECK], {CHECK: {"own": "judge"}}, inputs)
    return abs(judged.findings(lab, planned, judged.judge(lab, planned))[settings["finding"]] - settings["expected"])


def signed(lab: Lab, row: Row, rng: random.Random) -> Row:
    """Return a pair that says which side the judge wrote."""
    world, prompt = worlds.world(lab), text(row["prompt"])
    worth = {side: world.gold(prompt, text(row[side])).total for side in ("chosen", "rejected")}
    better, worse = sorted(worth, key=lambda side: -worth[side])
    own, other = (better, worse) if rng.random() < OWN_IS_BETTER else (worse, better)
    return {**row, "author": {own: "judge", other: "somebody"}}
