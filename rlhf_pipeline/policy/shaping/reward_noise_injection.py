"""Rewards turned round by chance, to see how much noise a training bears: Lv et al. 2025 (arXiv:2505.22653).

The draw is one per prompt, so that all completions of a group are turned round together, as in the paper's study; or
one per completion. Not here: its reward for phrases of reasoning, and the correction of a weak reward model by it.
"""

from collections.abc import Hashable, Sequence
from typing import Literal

import torch
from pydantic import Field
from torch import Tensor

from rlhf_pipeline.methods import MethodParams
from rlhf_pipeline.policy.shaping import Batch
from rlhf_pipeline.records import derive_seed


class Params(MethodParams):
    """How much is turned round, and about what."""

    flip_probability: float = Field(default=0.4, ge=0, le=1, description="chance that a draw turns rewards round")
    drawn_for: Literal["prompt", "completion"] = Field(default="prompt", description="what one draw stands for")
    lowest: float = Field(default=0.0, description="reward that becomes the highest")
    highest: float = Field(default=1.0, description="reward that becomes the lowest")


def shape(rewards: Tensor, batch: Batch, params: Params) -> Tensor:
    """Return the rewards of a step, some of them turned round; another step turns others."""
    return flip(rewards, batch.prompts, params, derive_seed(batch.seed, batch.step))


def flip(rewards: Tensor, groups: Sequence[Hashable], params: Params, seed: int) -> Tensor:
    """Return the rewards of a step, some of them reflected between the lowest and the highest.

    Args:
        rewards: [B].
        groups: [B] the prompt of each completion.
        params: what is turned round.
        seed: of the step; equal seeds turn the same prompts round, in whatever order they stand.

    Returns:
        [B]; a flipped reward r is lowest + highest - r.

    Raises:
        ValueError: `groups` is not of length B.
    """
    if len(groups) != len(rewards):
        raise ValueError(f"{len(groups)} groups for {len(rewards)} completions")
    turned = torch.tensor(draws(groups, params, seed), dtype=torch.bool, device=rewards.device)
    return torch.where(turned, params.lowest + params.highest - rewards, rewards)


def draws(groups: Sequence[Hashable], params: Params, seed: int) -> list[bool]:
    """Return whether each of [B] completions is turned round."""
    seen: dict[Hashable, int] = {}
    drawn = []
    for group in groups:
        number = seen[group] = seen.get(group, -1) + 1
        names = (str(group),) if params.drawn_for == "prompt" else (str(group), number)
        drawn.append(derive_seed(seed, "flip", *names) / 2**31 < params.flip_probability)
    return drawn
