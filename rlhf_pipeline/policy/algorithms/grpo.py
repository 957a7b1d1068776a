"""Group relative policy optimisation: a completion's advantage is its reward against the others of its prompt.

Shao et al. 2024 (arXiv:2402.03300). Departs from the paper where TRL's default does: the loss is a mean over all
tokens of the batch (DAPO, Yu et al. 2025, arXiv:2503.14476). Departs from both: advantages are not divided by their
group's spread (Liu et al. 2025, arXiv:2503.20783), which magnifies noise where rewards saturate. The KL term, `beta`
per token, is in the loss.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from rlhf_pipeline.policy import trainers


class Params(trainers.Params):
    """Settings of GRPO."""

    beta: float = Field(0.1, ge=0, description="weight of the KL divergence per token in the loss")
    epsilon: float = Field(0.2, gt=0, description="the probability ratio is clipped to 1 ± this")
    scale_rewards: Literal["group", "batch", "none"] = Field(
        "none", description="the spread that advantages are divided by; by a group's, a saturated reward still pushes"
    )
    loss_type: Literal["dapo", "grpo", "dr_grpo", "bnpo"] = Field("dapo", description="how tokens are averaged")


def trainer(setup: trainers.Setup, params: Params) -> Any:
    """Return TRL's GRPOTrainer, ready to train."""
    from trl import GRPOConfig, GRPOTrainer

    config = GRPOConfig(
        **trainers.arguments(setup, params),
        epsilon=params.epsilon,
        scale_rewards=params.scale_rewards,
        loss_type=params.loss_type,
    )
    return trainers.create_trainer(GRPOTrainer, config, setup, params)
