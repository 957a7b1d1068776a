"""The median over members: one wild member moves nothing."""

from torch import Tensor

from rlhf_pipeline.methods import MethodParams
from rlhf_pipeline.validation.aggregators import Context


class Params(MethodParams):
    """None."""


def aggregate(rewards: Tensor, context: Context, params: Params) -> Tensor:
    """Return the median over members, the mean of the two in the middle where K is even.

    Args:
        rewards: [K, N] normalised rewards.
        context: not used.
        params: none.

    Returns:
        [N].
    """
    return rewards.quantile(0.5, dim=0)
