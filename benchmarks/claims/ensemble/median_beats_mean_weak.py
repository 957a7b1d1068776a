"""The median over weak members against their mean."""

from benchmarks.claims import Claim, Settings
from benchmarks.claims.lab import Lab
from benchmarks.claims.parts import aggregating

CLAIM = Claim(
    method="validation/aggregators/median",
    paper="Eisenstein et al. 2023, arXiv:2312.09244",
    says="the median over members gives at least the gold of their mean",
    metric="gold of the best of 64, mean over prompts; members trained on 500 pairs",
    smallest=0.1,
    without=({"aggregator": "mean", "members": "weak"},),
    with_=({"aggregator": "median", "members": "weak"},),
)


def measure(lab: Lab, settings: Settings) -> float:
    """Return the gold of the best of n by the ensemble, joined as the settings say."""
    return aggregating.gold_of_best(lab, settings)
