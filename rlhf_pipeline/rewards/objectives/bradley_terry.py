"""Bradley-Terry loss on pairs, with an optional margin.

Bradley and Terry 1952; the margin is Eq. 2 of Touvron et al. 2023 (arXiv:2307.09288), centring Eq. 2 of Eisenstein et
al. 2023 (arXiv:2312.09244).
"""

from pydantic import Field
from torch import Tensor
from torch.nn.functional import logsigmoid

from rlhf_pipeline.methods import MethodParams


class Params(MethodParams):
    """How strongly margins count, and how strongly rewards are pulled to zero."""

    margin_scale: float = Field(0.0, ge=0, description="reward per unit of a pair's margin; 0 leaves margins out")
    centring: float = Field(0.01, ge=0, description="weight of the squared sum of a pair's rewards")


def loss(chosen_rewards: Tensor, rejected_rewards: Tensor, margin: Tensor, params: Params) -> Tensor:
    """Return the Bradley-Terry loss of each pair, in nats.

    Args:
        chosen_rewards: [B] reward of each chosen completion.
        rejected_rewards: [B] reward of each rejected completion.
        margin: [B] strength of each preference, >= 0; larger where annotators were surer.
        params: the method's settings.

    Returns:
        [B] losses, not averaged.
    """
    difference = chosen_rewards - rejected_rewards - params.margin_scale * margin
    return -logsigmoid(difference) + params.centring * (chosen_rewards + rejected_rewards) ** 2
