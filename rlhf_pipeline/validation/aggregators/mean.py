"""The mean over members."""

from torch import Tensor

from rlhf_pipeline.methods import MethodParams


class Params(MethodParams):
    """None."""


def aggregate(rewards: Tensor, params: Params) -> Tensor:
    """Return the mean over members.

    Args:
        rewards: [K, N] normalised rewards.
        params: none.

    Returns:
        [N].
    """
    return rewards.mean(dim=0)
