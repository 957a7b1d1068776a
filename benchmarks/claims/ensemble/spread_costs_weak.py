"""Disagreement as a cost against the plain mean, weak members."""

from benchmarks.claims import Claim, Settings
from benchmarks.claims.lab import Lab
from benchmarks.claims.parts import aggregating

KINDS = ("within_prompt", "global")
CLAIM = Claim(
    method="validation/aggregators/mean_minus_std",
    paper="Coste et al. 2023, arXiv:2310.02743",
    says="a penalty on the members' disagreement gives more gold than their mean",
    metric="gold of the best of 64, mean over prompts; members trained on 500 pairs",
    smallest=0.1,
    without=tuple(
        {"members": "weak", "aggregator": "mean", "normalisation": kind} for kind in ("within_prompt", "global")
    ),
    with_=tuple({"members": "weak", "aggregator": "mean_minus_std", "settings": {"c": c}} for c in (0.5, 1.5)),
)


def measure(lab: Lab, settings: Settings) -> float:
    """Return the gold of the best of n by the ensemble, joined as the settings say."""
    return aggregating.gold_of_best(lab, settings)
