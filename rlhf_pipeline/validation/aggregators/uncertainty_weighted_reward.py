"""Rewards shrunk towards the reference's where members disagree: what is uncertain counts less, good or bad.

After Ctrl-U, Zhang et al. 2024 (arXiv:2410.11236), which divides a reward loss by exp(uncertainty) for images; its
uncertainty is between two generations, here it is the standard deviation between members. A normalised reward of zero
is what the reference earns on the prompt, so weight 0 says "no better, no worse".
"""

from pydantic import Field
from torch import Tensor

from rlhf_pipeline.methods import MethodParams
from rlhf_pipeline.validation.aggregators import Context


class Params(MethodParams):
    """How fast trust falls."""

    temperature: float = Field(default=1.0, gt=0, description="disagreement at which a reward counts for 1/e of itself")
    floor: float = Field(default=0.1, ge=0, le=1, description="the least weight; 1 is the plain mean")


def aggregate(rewards: Tensor, context: Context, params: Params) -> Tensor:
    """Return the mean over members times exp(-disagreement / temperature), no weight below the floor.

    Args:
        rewards: [K, N] normalised rewards.
        context: not used.
        params: temperature and floor.

    Returns:
        [N].
    """
    weight = (-rewards.std(dim=0, correction=0) / params.temperature).exp().clamp(min=params.floor)
    return rewards.mean(dim=0) * weight
