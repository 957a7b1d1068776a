"""The mean over members less their spread: disagreement costs.

Uncertainty-weighted optimisation of Coste et al. 2023 (arXiv:2310.02743), on normalised rewards, and with the
standard deviation in place of the variance, so that the penalty has the unit of the reward.
"""

from pydantic import Field
from torch import Tensor

from rlhf_pipeline.methods import MethodParams
from rlhf_pipeline.validation.aggregators import Context


class Params(MethodParams):
    """How much disagreement costs."""

    c: float = Field(default=0.5, ge=0, description="reward lost per standard deviation between members")


def aggregate(rewards: Tensor, context: Context, params: Params) -> Tensor:
    """Return mean - c * std over members; one member alone gives its own reward.

    Args:
        rewards: [K, N] normalised rewards.
        context: not used.
        params: weight of the spread.

    Returns:
        [N].
    """
    return rewards.mean(dim=0) - params.c * rewards.std(dim=0, correction=0)
