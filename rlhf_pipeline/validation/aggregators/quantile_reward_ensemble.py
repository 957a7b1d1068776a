"""A quantile over members: between the least (0) and the greatest (1), and as cautious as its level.

Fakoor et al. 2023 (arXiv:2103.00083) aggregate models that give quantiles themselves, with weights learned by pinball
loss and sorted so that they do not cross. The members here give one number each, so those numbers are the sample and
the level is the one knob: the simpler form was built.
"""

from pydantic import Field
from torch import Tensor

from rlhf_pipeline.methods import MethodParams
from rlhf_pipeline.validation.aggregators import Context


class Params(MethodParams):
    """Which quantile."""

    level: float = Field(default=0.25, ge=0, le=1, description="0.5 is the median")


def aggregate(rewards: Tensor, context: Context, params: Params) -> Tensor:
    """Return the quantile over members, interpolated between neighbours.

    Args:
        rewards: [K, N] normalised rewards.
        context: not used.
        params: the level.

    Returns:
        [N].
    """
    return rewards.quantile(params.level, dim=0)
