"""Votes by rank against the plain mean, good and poor members together."""

from benchmarks.claims import Claim, Settings
from benchmarks.claims.lab import Lab
from benchmarks.claims.parts import aggregating

CLAIM = Claim(
    method="validation/aggregators/multiwinner_rank_aggregation",
    paper="Boehmer et al. 2023, arXiv:2306.09835",
    says="adding up ranks bears members that are biased or wild, where adding up scores does not",
    metric="gold of the best of 64, mean over prompts; two members trained on 12,000 pairs, two on 500",
    smallest=0.1,
    without=({"members": "mixed", "aggregator": "mean"},),
    with_=({"members": "mixed", "aggregator": "multiwinner_rank_aggregation"},),
)


def measure(lab: Lab, settings: Settings) -> float:
    """Return the gold of the best of n by the ensemble, joined as the settings say."""
    return aggregating.gold_of_best(lab, settings)
