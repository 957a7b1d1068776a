"""Reward-ranked fine-tuning: the likeliest next completion is to be the best of those that were drawn.

Dong et al. 2023 (arXiv:2304.06767): of a prompt's completions the best ones are kept and fine-tuned on, as if they were
demonstrations; with one step per batch, distillation of best of n. As in the paper's regularised form, `beta` takes the
log-ratio to the reference off the reward before the ranking. Departs from the paper in drawing anew at every step.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import Field

from rlhf_pipeline.policy import rollouts, trainers

if TYPE_CHECKING:
    from torch import Tensor


class Params(rollouts.Params):
    """Settings of RAFT."""

    beta: float = Field(0.0, ge=0, description="reward lost per nat of log-ratio to the reference, in the ranking")
    num_kept: int = Field(1, ge=1, description="best completions of a prompt that are fine-tuned on")


def trainer(setup: trainers.Setup, params: Params) -> Any:
    """Return a trainer that fine-tunes on the best completions of each prompt."""
    return rollouts.trainer(weigh, setup, params)


def weigh(rollout: rollouts.Rollout, params: Params) -> Tensor:
    """Return 1 for the best completions of each prompt and 0 for the others, [B]; 0 for a prompt whose rewards tie."""
    import torch

    ranked = (rollout.rewards - params.beta * rollout.log_ratios).view_as(rollout.groups)
    kept = torch.zeros_like(ranked).scatter(1, ranked.topk(min(params.num_kept, ranked.shape[1]), dim=1).indices, 1.0)
    has_best = ranked.amax(dim=1, keepdim=True) > ranked.amin(dim=1, keepdim=True)
    return (kept * has_best).flatten()
