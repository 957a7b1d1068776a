"""The least over weak members against their mean."""

from benchmarks.claims import Claim, Settings
from benchmarks.claims.lab import Lab
from benchmarks.claims.parts import aggregating

CLAIM = Claim(
    method="validation/aggregators/min",
    paper="Coste et al. 2023, arXiv:2310.02743",
    says="the worst case over members gives more gold than their mean",
    metric="gold of the best of 64, mean over prompts; members trained on 500 pairs",
    smallest=0.1,
    without=({"aggregator": "mean", "members": "weak"},),
    with_=({"aggregator": "min", "members": "weak"},),
)


def measure(lab: Lab, settings: Settings) -> float:
    """Return the gold of the best of n by the ensemble, joined as the settings say."""
    return aggregating.gold_of_best(lab, settings)
