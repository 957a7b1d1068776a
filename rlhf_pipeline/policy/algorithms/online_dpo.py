"""Online direct preference optimisation: the best completion of each prompt is preferred to the worst.

Guo et al. 2024 (arXiv:2402.04792), with Rafailov et al.'s loss (arXiv:2305.18290): -log sigmoid(beta * (log-ratio of
the better - log-ratio of the worse)). Its gradient is a policy gradient with weights beta * sigmoid(-margin) and its
negative, which is how it is computed here. Departs from the paper in taking the best and the worst of n completions by
the ensemble instead of a judge's choice between two.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import Field

from rlhf_pipeline.policy import rollouts, trainers

if TYPE_CHECKING:
    from torch import Tensor


class Params(rollouts.Params):
    """Settings of online DPO."""

    beta: float = Field(0.1, gt=0, description="what a nat of log-ratio counts in the margin")


def trainer(setup: trainers.Setup, params: Params) -> Any:
    """Return a trainer that prefers the best completion of each prompt to the worst."""
    return rollouts.trainer(weigh, setup, params)


def weigh(rollout: rollouts.Rollout, params: Params) -> Tensor:
    """Return the weights of best and worst, [B]; all others, and those of a prompt whose rewards tie, weigh 0."""
    import torch

    rewards, ratios = rollout.groups, rollout.log_ratios.view_as(rollout.groups)
    best, worst = rewards.argmax(dim=1, keepdim=True), rewards.argmin(dim=1, keepdim=True)
    margin = params.beta * (ratios.gather(1, best) - ratios.gather(1, worst))
    weight = params.beta * torch.sigmoid(-margin) * (rewards.gather(1, best) > rewards.gather(1, worst))
    return torch.zeros_like(rewards).scatter(1, best, weight).scatter_add(1, worst, -weight).flatten()
