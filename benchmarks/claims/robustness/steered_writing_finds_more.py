"""Completions steered by the reward against plain samples of the policy: how many of either are scored wrongly."""

import math

from benchmarks.claims import Claim, Settings
from benchmarks.claims.lab import Lab
from benchmarks.claims.parts import searched

CLAIM = Claim(
    method="validation/searches/reward_guided_failure_discovery",
    paper="Pathmanathan and Huang 2025, arXiv:2507.06419",
    says="the reward itself steers decoding to completions that keep their class and are scored against it",
    metric="log of the share of completions that a member ranks wrongly against a side of a test pair, by gold",
    smallest=math.log(3),
    without=({"steered": False},),
    with_=({"steered": True},),
)


def measure(lab: Lab, settings: Settings) -> float:
    """Return the log rate of steered completions or of plain ones, as many of each."""
    num_pairs = lab.size.num_prompts // 2
    steered, plain = searched.of_member(lab, "reward_guided_failure_discovery", num_pairs=num_pairs)
    return (steered if settings["steered"] else plain).log_rate
