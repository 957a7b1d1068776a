"""Two models side by side: completions of the same prompts, sampled apart and rated by the same judges."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from torch import Tensor

from rlhf_pipeline.evaluation.judges import Judges, Panel, Ratings
from rlhf_pipeline.evaluation.settings import EvaluationSettings
from rlhf_pipeline.records import Conversation, Row, derive_seed

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerFast

    from rlhf_pipeline.policy.sampling import Sample

Model: TypeAlias = "tuple[PreTrainedModel, PreTrainedTokenizerFast]"
Samples: TypeAlias = "Sequence[Sequence[Sample]]"
"""Of each prompt in turn, its completions."""


@dataclass(frozen=True)
class Side:
    """One model's completions of P prompts, S of each, and what the judges say of them."""

    samples: Samples
    ratings: Ratings

    def per_prompt(self, values: Tensor) -> Tensor:
        """Return [P * S] values, prompt after prompt, as [P, S]."""
        return values.reshape(len(self.samples), -1)


def draw(
    model: Model, prompts: Sequence[Conversation], settings: EvaluationSettings, seed: int, times: int = 1
) -> Samples:
    """Return `num_samples` completions of each prompt, or `times` as many."""
    from rlhf_pipeline.policy.sampling import sample

    return sample(
        *model,
        prompts,
        num_samples=settings.num_samples * times,
        max_new_tokens=settings.max_new_tokens,
        temperature=settings.temperature,
        seed=seed,
    )


def texts(samples: Samples) -> list[list[str]]:
    """Return the texts of samples, prompt by prompt."""
    return [[sample.text for sample in one] for one in samples]


def flat_texts(samples: Samples) -> list[str]:
    """Return the texts of samples, prompt after prompt."""
    return [sample.text for one in samples for sample in one]


def index_of(samples: Samples) -> list[int]:
    """Return the number of the prompt of each sample, prompt after prompt."""
    return [number for number, one in enumerate(samples) for _ in one]


def compare_models(
    reference: Model,
    policy: Model,
    prompts: Sequence[Conversation],
    judges: Judges,
    settings: EvaluationSettings,
    seed: int,
) -> tuple[Side, Side]:
    """Sample reference and policy on the same prompts, each with random numbers of its own, and rate both.

    Where the settings ask for it, each completion of the policy is the best of several by the ensemble, which has seen
    them: what it then says of them is flattered by the choice, what evaluators and gold say is not.
    """
    before = draw(reference, prompts, settings, derive_seed(seed, "reference"))
    panel = Panel(judges, prompts, texts(before))
    after = draw(policy, prompts, settings, derive_seed(seed, "policy"), settings.best_of)
    if settings.best_of > 1:
        after = keep_best(after, panel.proxy.rate(index_of(after), flat_texts(after)).reward, settings.best_of)
    return Side(before, panel.rate_references()), Side(after, panel.rate(index_of(after), flat_texts(after)))


def keep_best(samples: Samples, rewards: Tensor, best_of: int) -> Samples:
    """Return the best of every `best_of` completions of a prompt that stand side by side.

    Args:
        samples: of P prompts, S * best_of of each.
        rewards: [P * S * best_of], prompt after prompt.
        best_of: how many one is chosen from.
    """
    best = rewards.reshape(len(samples), -1, best_of).argmax(dim=2).tolist()
    return [
        [one[number * best_of + place] for number, place in enumerate(own)]
        for one, own in zip(samples, best, strict=True)
    ]


def side_by_side(rows: Sequence[Row], sides: Mapping[str, Side]) -> list[Row]:
    """Return one row per prompt: the first completion of each side with its rewards and the prompt's own fields."""
    return [{**row, **{name: _first(side, number) for name, side in sides.items()}} for number, row in enumerate(rows)]


def _first(side: Side, number: int) -> Row:
    rewards = {f"{name}_reward": float(side.per_prompt(r)[number, 0]) for name, r in side.ratings.rewards().items()}
    return {"completion": side.samples[number][0].text, **rewards}
