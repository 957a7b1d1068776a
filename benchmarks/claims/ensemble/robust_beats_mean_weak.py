"""Nominal and worst case together against the plain mean, weak members."""

from benchmarks.claims import Claim, Settings
from benchmarks.claims.lab import Lab
from benchmarks.claims.parts import aggregating

KINDS = ("within_prompt", "global")
CLAIM = Claim(
    method="validation/aggregators/bayesian_reward_ensemble_robust",
    paper="Yan et al. 2024, arXiv:2409.15360",
    says="weighing nominal and worst case gives more gold than the nominal reward alone",
    metric="gold of the best of 64, mean over prompts; members trained on 500 pairs",
    smallest=0.1,
    without=tuple({"members": "weak", "aggregator": "mean", "normalisation": kind} for kind in KINDS),
    with_=tuple(
        {"members": "weak", "aggregator": "bayesian_reward_ensemble_robust", "settings": {"nominal_weight": weight}}
        for weight in (0.3, 0.6)
    ),
)


def measure(lab: Lab, settings: Settings) -> float:
    """Return the gold of the best of n by the ensemble, joined as the settings say."""
    return aggregating.gold_of_best(lab, settings)
