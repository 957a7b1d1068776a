"""Weights learned on validation pairs against even ones, good and poor members together."""

from benchmarks.claims import Claim, Settings
from benchmarks.claims.lab import Lab
from benchmarks.claims.parts import aggregating

CLAIM = Claim(
    method="validation/aggregators/learned_weights",
    paper="this project; stacked regressions, Breiman 1996",
    says="weights learned on held-out preferences give more gold than even ones where members differ in quality",
    metric="gold of the best of 64, mean over prompts; two members trained on 12,000 pairs, two on 500",
    smallest=0.1,
    without=({"members": "mixed", "aggregator": "mean"},),
    with_=({"members": "mixed", "aggregator": "learned_weights"},),
)


def measure(lab: Lab, settings: Settings) -> float:
    """Return the gold of the best of n by the ensemble, joined as the settings say."""
    return aggregating.gold_of_best(lab, settings)
