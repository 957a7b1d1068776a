"""Whether members disagree where their mean is wrong."""

from benchmarks.claims import Claim, Settings
from benchmarks.claims.lab import Lab
from benchmarks.claims.parts import aggregating, joining

CLAIM = Claim(
    method="validation/aggregators/uncertainty_weighted_reward",
    paper="Zhang et al. 2024, arXiv:2410.11236",
    says="disagreement is larger where the reward is wrong",
    metric="rank correlation within the prompt of the members' spread and their mean's distance from gold",
    smallest=0.1,
    without=(),
    with_=({},),
)


def measure(lab: Lab, settings: Settings) -> float:
    """Return the rank correlation of spread and error over a prompt's samples, mean over prompts."""
    return joining.rank_correlation(*aggregating.disagreement_and_error(lab, "strong"))
