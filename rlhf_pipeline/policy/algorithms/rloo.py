"""REINFORCE leave-one-out: a completion's advantage is its reward less the mean of the others of its prompt.

Ahmadian et al. 2024 (arXiv:2402.14740); the KL divergence, `beta` per completion, is taken off the reward.
"""

from __future__ import annotations

from typing import Any

from pydantic import Field

from rlhf_pipeline.policy import trainers


class Params(trainers.Params):
    """Settings of RLOO."""

    beta: float = Field(0.03, ge=0, description="reward lost per nat of KL divergence of a completion")
    epsilon: float = Field(0.2, gt=0, description="the probability ratio of a completion is clipped to 1 ± this")
    normalize_advantages: bool = Field(True, description="divide advantages by their spread over the batch")


def trainer(setup: trainers.Setup, params: Params) -> Any:
    """Return TRL's RLOOTrainer, ready to train."""
    from trl import RLOOConfig, RLOOTrainer

    config = RLOOConfig(
        **trainers.arguments(setup, params),
        epsilon=params.epsilon,
        normalize_advantages=params.normalize_advantages,
    )
    return trainers.create_trainer(RLOOTrainer, config, setup, params)
