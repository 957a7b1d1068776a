"""The least over members: a completion is as good as its sternest judge says.

Worst-case optimisation of Coste et al. 2023 (arXiv:2310.02743); there on raw rewards, here on normalised ones.
"""

from torch import Tensor

from rlhf_pipeline.methods import MethodParams
from rlhf_pipeline.validation.aggregators import Context


class Params(MethodParams):
    """None."""


def aggregate(rewards: Tensor, context: Context, params: Params) -> Tensor:
    """Return the least reward over members.

    Args:
        rewards: [K, N] normalised rewards.
        context: not used.
        params: none.

    Returns:
        [N].
    """
    return rewards.amin(dim=0)
