"""Centring within the prompt before members are compared."""

from benchmarks.claims import Claim, Settings
from benchmarks.claims.lab import Lab
from benchmarks.claims.parts import aggregating

CLAIM = Claim(
    method="validation/aggregators/mean_minus_std",
    paper="this project's DESIGN, after the free constant of a Bradley-Terry reward",
    says="centring within the prompt before mean less spread gives more gold than one mean over everything",
    metric="gold of the best of 64, mean over prompts; members trained on 500 pairs",
    smallest=0.1,
    without=({"aggregator": "mean_minus_std", "settings": {"c": 1.0}, "members": "weak", "normalisation": "global"},),
    with_=({"aggregator": "mean_minus_std", "settings": {"c": 1.0}, "members": "weak"},),
)


def measure(lab: Lab, settings: Settings) -> float:
    """Return the gold of the best of n by the ensemble, joined as the settings say."""
    return aggregating.gold_of_best(lab, settings)
