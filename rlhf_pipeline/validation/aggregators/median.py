"""The median over members: one wild member moves nothing."""

from torch import Tensor

from rlhf_pipeline.methods import MethodParams


class Params(MethodParams):
    """None."""


def aggregate(rewards: Tensor, params: Params) -> Tensor:
    """Return the median over members, the mean of the two in the middle where K is even.

    Args:
        rewards: [K, N] normalised rewards.
        params: none.

    Returns:
        [N].
    """
    return rewards.quantile(0.5, dim=0)
