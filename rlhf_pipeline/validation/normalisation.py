"""Putting the members of an ensemble on one scale, as pure tensors.

A Bradley-Terry reward has a free constant per prompt and a free scale. `within_prompt` takes both away: subtract the
member's mean over reference completions of the same prompt, divide by its spread within prompts. `global` subtracts one
mean and divides by one spread; what a member adds to all completions of a prompt stays in.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

NO_SPREAD = 1e-6
"""A spread below this is rounding: nothing is divided by it."""


@dataclass(frozen=True)
class Statistics:
    """What is known of each member's rewards from validation pairs; every tensor is [K]."""

    scale: Tensor
    mean: Tensor
    std: Tensor

    def select(self, rows: Sequence[int]) -> "Statistics":
        """Return the statistics of some members."""
        chosen = list(rows)
        return Statistics(self.scale[chosen], self.mean[chosen], self.std[chosen])


def estimate_statistics(rewards: Tensor, groups: Sequence[Hashable]) -> Statistics:
    """Return each member's spread within prompts, its mean and its spread over all.

    Args:
        rewards: [K, N] raw rewards.
        groups: [N] the prompt of each completion.
    """
    deviations = (rewards - group_means(rewards, groups)).double()
    degrees = max(len(groups) - len(set(groups)), 1)
    scale = (deviations.square().sum(dim=1) / degrees).sqrt()
    std = rewards.double().std(dim=1, correction=0)
    return Statistics(_or_one(scale), rewards.double().mean(dim=1).float(), _or_one(std))


def group_means(rewards: Tensor, groups: Sequence[Hashable], is_reference: Tensor | None = None) -> Tensor:
    """Return for every completion the member's mean over the completions of the same group.

    Args:
        rewards: [K, N].
        groups: [N] the prompt of each completion.
        is_reference: [N] bool, the completions that the means are taken over; all where None.

    Returns:
        [K, N].

    Raises:
        ValueError: `groups` is not of length N, or a group has no reference.
    """
    if len(groups) != rewards.shape[1]:
        raise ValueError(f"{len(groups)} groups for {rewards.shape[1]} completions")
    numbers: dict[Hashable, int] = {}
    index = torch.tensor([numbers.setdefault(group, len(numbers)) for group in groups], dtype=torch.long)
    weights = (torch.ones(len(groups)) if is_reference is None else is_reference).double()
    counts = torch.zeros(len(numbers), dtype=torch.double).index_add(0, index, weights)
    if (counts == 0).any():
        raise ValueError("a prompt has no reference completion to take a baseline from")
    sums = torch.zeros(rewards.shape[0], len(numbers), dtype=torch.double).index_add(1, index, rewards * weights)
    return (sums / counts)[:, index].float()


def normalise(rewards: Tensor, baseline: Tensor, scale: Tensor) -> Tensor:
    """Return rewards relative to a baseline, in units of each member's scale.

    Args:
        rewards: [K, N] raw rewards.
        baseline: [K, N], or [K, 1] for one baseline per member.
        scale: [K], above 0.

    Returns:
        [K, N].
    """
    return (rewards - baseline) / scale[:, None]


def _within_prompt(raw: Tensor, statistics: Statistics, groups: Sequence[Hashable], baseline: Tensor | None) -> Tensor:
    return normalise(raw, group_means(raw, groups) if baseline is None else baseline, statistics.scale)


def _global(raw: Tensor, statistics: Statistics, groups: object, baseline: object) -> Tensor:
    return normalise(raw, statistics.mean[:, None], statistics.std)


def divisors(statistics: Statistics, normalisation: str) -> Tensor:
    """Return what each member's rewards are divided by, [K]."""
    return statistics.std if normalisation == "global" else statistics.scale


NORMALISATIONS = {"within_prompt": _within_prompt, "global": _global}


def _or_one(spread: Tensor) -> Tensor:
    return torch.where(spread < NO_SPREAD, 1.0, spread).float()
