"""The mean of four heads on one trunk against the same training with one head."""

import statistics

from benchmarks.claims import Claim, Settings
from benchmarks.claims.lab import Lab
from benchmarks.claims.parts import joining, samples, voices

CLAIM = Claim(
    method="rewards/resampling",
    paper="Osband et al. 2016, arXiv:1602.04621",
    says="heads with bootstraps of their own on one trunk act as an ensemble at the cost of one member",
    metric="gold of the best of 64 by the mean of a member's heads, mean over prompts and two trunks",
    smallest=0.1,
    without=({"heads": 1},),
    with_=({"heads": 4},),
)
NAMES = ("a", "b")  # of the night's members: one on each trunk


def measure(lab: Lab, settings: Settings) -> float:
    """Return the gold of the best of n by the mean of the heads, averaged over a member on each trunk."""
    drawn = samples.draw(lab)
    gold = samples.gold(lab, drawn)
    trained = [voices.member(lab, name, heads=settings["heads"]) for name in NAMES]
    return statistics.mean(joining.gold_of_best(joining.join(voices.rewards(lab, m, drawn)), gold) for m in trained)
