"""Nominal and worst case, weighed: what the members say together, and what the sternest of them says.

Reward-robust RLHF, Yan et al. 2024 (arXiv:2409.15360): J = lambda * nominal + (1 - lambda) * worst case over an
ensemble. There the members are heads that give a mean and a spread each, and the nominal reward is the head with the
least spread (detail to check); members here give no spread of their own, so the nominal reward is their mean.
"""

from pydantic import Field
from torch import Tensor

from rlhf_pipeline.methods import MethodParams
from rlhf_pipeline.validation.aggregators import Context


class Params(MethodParams):
    """How much the nominal reward counts."""

    nominal_weight: float = Field(default=0.6, ge=0, le=1, description="1 is the mean, 0 the least over members")


def aggregate(rewards: Tensor, context: Context, params: Params) -> Tensor:
    """Return weight * mean + (1 - weight) * least over members.

    Args:
        rewards: [K, N] normalised rewards.
        context: not used.
        params: the weight.

    Returns:
        [N].
    """
    return params.nominal_weight * rewards.mean(dim=0) + (1 - params.nominal_weight) * rewards.amin(dim=0)
