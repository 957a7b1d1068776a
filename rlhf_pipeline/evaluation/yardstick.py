"""Reward models that rate completions from what they give the reference's completions of the same prompt.

A Bradley-Terry reward has a free constant per prompt, so only differences within a prompt mean something.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from rlhf_pipeline.records import Conversation, assistant
from rlhf_pipeline.validation.ensemble import Ensemble, Rewards


@dataclass(frozen=True)
class Yardstick:
    """An ensemble and its baseline on P prompts."""

    ensemble: Ensemble
    prompts: Sequence[Conversation]
    baseline: Tensor
    """[K, P] each member's mean raw reward of the reference's completions."""

    @classmethod
    def take(
        cls, ensemble: Ensemble, prompts: Sequence[Conversation], references: Sequence[Sequence[str]]
    ) -> "Yardstick":
        """Take the baseline from the reference's completions of each prompt, at least one each."""
        pairs = zip(prompts, references, strict=True)
        raw = ensemble.member_rewards([prompt + assistant(text) for prompt, texts in pairs for text in texts])
        parts = raw.split([len(texts) for texts in references], dim=1)
        return cls(ensemble, prompts, torch.stack([part.mean(dim=1) for part in parts], dim=1))

    def rate(self, index: Sequence[int], completions: Sequence[str]) -> Rewards:
        """Return what the ensemble says of completions.

        Args:
            index: [N] number of the prompt of each completion.
            completions: [N].
        """
        pairs = zip(index, completions, strict=True)
        raw = self.ensemble.member_rewards([self.prompts[i] + assistant(text) for i, text in pairs])
        return self.ensemble.aggregate(raw, baseline=self.baseline[:, list(index)])


def mean_reward(yardsticks: Sequence[Yardstick], index: Sequence[int], completions: Sequence[str]) -> Tensor | None:
    """Return the mean reward over yardsticks, [N]; None where there are none. See `Yardstick.rate`."""
    rewards = [yardstick.rate(index, completions).reward for yardstick in yardsticks]
    return torch.stack(rewards).mean(dim=0) if rewards else None
