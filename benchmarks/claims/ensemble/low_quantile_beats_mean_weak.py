"""A low quantile over members against the plain mean, weak members."""

from benchmarks.claims import Claim, Settings
from benchmarks.claims.lab import Lab
from benchmarks.claims.parts import aggregating

KINDS = ("within_prompt", "global")
CLAIM = Claim(
    method="validation/aggregators/quantile_reward_ensemble",
    paper="Fakoor et al. 2023, arXiv:2103.00083",
    says="a cautious quantile of several models is a better reward than their mean",
    metric="gold of the best of 64, mean over prompts; members trained on 500 pairs",
    smallest=0.1,
    without=tuple({"members": "weak", "aggregator": "mean", "normalisation": kind} for kind in KINDS),
    with_=tuple(
        {"members": "weak", "aggregator": "quantile_reward_ensemble", "settings": {"level": level}}
        for level in (0.1, 0.35)
    ),
)


def measure(lab: Lab, settings: Settings) -> float:
    """Return the gold of the best of n by the ensemble, joined as the settings say."""
    return aggregating.gold_of_best(lab, settings)
