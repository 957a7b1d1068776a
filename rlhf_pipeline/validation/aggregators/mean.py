"""The mean over members."""

from torch import Tensor

from rlhf_pipeline.methods import MethodParams
from rlhf_pipeline.validation.aggregators import Context


class Params(MethodParams):
    """None."""


def aggregate(rewards: Tensor, context: Context, params: Params) -> Tensor:
    """Return the mean over members.

    Args:
        rewards: [K, N] normalised rewards.
        context: not used.
        params: none.

    Returns:
        [N].
    """
    return rewards.mean(dim=0)
