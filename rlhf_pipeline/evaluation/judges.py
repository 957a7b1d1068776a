"""Who rates completions here: the ensemble, which the policy knew, and evaluators and gold, which it did not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from rlhf_pipeline.evaluation.gold import Gold, load_gold
from rlhf_pipeline.evaluation.yardstick import Yardstick, mean_reward
from rlhf_pipeline.params import Params
from rlhf_pipeline.records import Conversation
from rlhf_pipeline.validation.ensemble import Ensemble, Rewards, load_panel


@dataclass(frozen=True)
class Judges:
    """The ensemble, the evaluators by name, and gold where there is one; `threads` members are scored at once."""

    ensemble: Ensemble
    evaluators: Mapping[str, Ensemble]
    gold: Gold | None
    threads: int = 1


@dataclass(frozen=True)
class Ratings:
    """What each judge says of N completions; None where there is no such judge."""

    proxy: Tensor
    """[N] the ensemble's reward above the reference."""
    disagreement: Tensor
    """[N] standard deviation over members."""
    evaluator: Tensor | None
    """[N] the evaluators' mean reward above the reference."""
    gold: Tensor | None
    """[N] gold reward; it is absolute."""
    attributes: Sequence[Mapping[str, float]] = ()
    """[N] gold attributes; empty without gold."""

    def rewards(self) -> dict[str, Tensor]:
        """Return the rewards of the judges there are, by name."""
        named = {"proxy": self.proxy, "evaluator": self.evaluator, "gold": self.gold}
        return {name: reward for name, reward in named.items() if reward is not None}


class Panel:
    """Judges who have seen the reference's completions of some prompts and rate others of the same prompts."""

    def __init__(self, judges: Judges, prompts: Sequence[Conversation], references: Sequence[Sequence[str]]) -> None:
        """Take every baseline from P prompts and the reference's completions of each, at least one."""
        self.gold, self.prompts, self.references = judges.gold, prompts, references
        self.proxy = Yardstick.take(judges.ensemble, prompts, references, judges.threads)
        self.evaluators = [Yardstick.take(one, prompts, references) for one in judges.evaluators.values()]

    def rate(self, index: Sequence[int], completions: Sequence[str]) -> Ratings:
        """Return every judge's ratings of [N] completions; `index` [N] numbers the prompt of each."""
        evaluators = [one.rate(index, completions) for one in self.evaluators]
        pairs = [(self.prompts[i], text) for i, text in zip(index, completions, strict=True)]
        return self._join(self.proxy.rate(index, completions), evaluators, pairs)

    def rate_references(self) -> Ratings:
        """Return every judge's ratings of the reference's completions, prompt after prompt; nothing is scored again."""
        pairs = [(prompt, t) for prompt, texts in zip(self.prompts, self.references, strict=True) for t in texts]
        return self._join(self.proxy.references, [one.references for one in self.evaluators], pairs)

    def _join(
        self, proxy: Rewards, evaluators: Sequence[Rewards], pairs: Sequence[tuple[Conversation, str]]
    ) -> Ratings:
        known = (proxy.reward, proxy.disagreement, mean_reward(evaluators))
        if self.gold is None:
            return Ratings(*known, None)
        return Ratings(*known, rate_by_gold(self.gold, pairs), [self.gold.attributes(*pair) for pair in pairs])


def rate_by_gold(gold: Gold, pairs: Sequence[tuple[Conversation, str]]) -> Tensor:
    """Return the gold reward of each prompt and completion, [N] float64, so that no tie is made by rounding."""
    return torch.tensor([gold.score(prompt, completion) for prompt, completion in pairs], dtype=torch.float64)


def load_judges(data: Path, params: Params) -> Judges:
    """Load all judges of a night from its data folder.

    Raises:
        EnsembleError: a member or evaluator is missing, altered or not listed.
    """
    described, folder = data / "validation/ensemble.json", data / "rewards/members"
    ensemble = Ensemble.load(described, folder, params.rewards.named("member"))
    evaluators = load_panel(described, folder, params.rewards.named("evaluator"))
    return Judges(ensemble, evaluators, load_gold(data / "curation/gold.json"), params.evaluation.threads)
