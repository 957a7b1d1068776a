"""Rewards that count less where members disagree against the plain mean, weak members."""

from benchmarks.claims import Claim, Settings
from benchmarks.claims.lab import Lab
from benchmarks.claims.parts import aggregating

KINDS = ("within_prompt", "global")
CLAIM = Claim(
    method="validation/aggregators/uncertainty_weighted_reward",
    paper="Zhang et al. 2024, arXiv:2410.11236",
    says="a reward that counts less where it is uncertain gives more gold than one that always counts alike",
    metric="gold of the best of 64, mean over prompts; members trained on 500 pairs",
    smallest=0.1,
    without=tuple({"members": "weak", "aggregator": "mean", "normalisation": kind} for kind in KINDS),
    with_=tuple(
        {"members": "weak", "aggregator": "uncertainty_weighted_reward", "settings": {"temperature": temperature}}
        for temperature in (0.5, 2.0)
    ),
)


def measure(lab: Lab, settings: Settings) -> float:
    """Return the gold of the best of n by the ensemble, joined as the settings say."""
    return aggregating.gold_of_best(lab, settings)
