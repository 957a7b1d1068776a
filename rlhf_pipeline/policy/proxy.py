"""The proxy reward: an ensemble's reward above what the reference policy earns on the same prompt.

Each member is centred on its own mean over reference completions of the prompt before the members are joined, so that a
constant that a member adds to all completions of a prompt changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

from rlhf_pipeline.mistakes import Mistake
from rlhf_pipeline.policy.sampling import sample
from rlhf_pipeline.policy.shaping import Batch, Shape
from rlhf_pipeline.records import Conversation, assistant
from rlhf_pipeline.validation.ensemble import Ensemble, Rewards, score_with

MUST_VARY = 3
"""So many steps from the start: in some of them a reward has to differ."""

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import PreTrainedModel, PreTrainedTokenizerFast


@dataclass(frozen=True)
class Proxy:
    """An ensemble with each member's baseline per prompt."""

    ensemble: Ensemble
    prompts: Sequence[Conversation]
    """P prompts; everything else names them by their number."""
    baseline: Tensor
    """[K, P] each member's mean raw reward of the reference's completions."""
    threads: int = 1

    def rate(self, index: Sequence[int], completions: Sequence[str]) -> Rewards:
        """Return reward and disagreement of N completions.

        Args:
            index: [N] number of each completion's prompt.
            completions: N texts.

        Raises:
            EnsembleError: a member gave NaN or infinity; names it.
        """
        conversations = _join([self.prompts[i] for i in index], completions)
        raw = score_with(self.ensemble.reward_models, conversations, self.threads)
        return self.ensemble.aggregate(raw, index, self.baseline[:, list(index)], conversations)

    def reward_function(
        self, measure: Callable[..., float] | None = None, shape: Shape | None = None, seed: int = 0
    ) -> Callable[..., list[float]]:
        """Return the ensemble as one reward function of a TRL trainer, which also logs `proxy` and `disagreement`.

        Args:
            measure: takes a batch's prompts and completion ids and returns its KL divergence in nats per completion,
                logged as `kl_sum`.
            shape: what is done to the rewards before the trainer sees them.
            seed: of that.

        Raises:
            Mistake: by the function: the first rewards of a training are all the same, so that it can learn nothing.
        """
        seen: set[float] = set()

        def proxy_reward(
            prompts: list[Conversation],
            completions: list[Conversation],
            completion_ids: list[list[int]],
            prompt_index: list[int],
            trainer_state: Any,
            log_metric: Callable[[str, float], None],
            **_: Any,
        ) -> list[float]:
            texts = [completion[-1]["content"].strip() for completion in completions]
            rewards = self.rate(prompt_index, texts)
            if trainer_state.global_step < MUST_VARY:
                seen.update(round(value, 6) for value in rewards.reward.tolist())
                if len(seen) == 1 and trainer_state.global_step == MUST_VARY - 1:
                    raise Mistake(
                        f"all completions of {MUST_VARY} steps from the start have the reward {seen.pop():.3g}: "
                        "there is nothing to learn; see what the ensemble's audit says, or raise max_completion_length"
                    )
            log_metric("proxy", rewards.reward.mean().item())
            log_metric("disagreement", rewards.disagreement.mean().item())
            if measure is not None:
                log_metric("kl_sum", measure(prompts, completion_ids))
            if shape is None:
                return rewards.reward.tolist()
            lengths = torch.tensor([len(ids) for ids in completion_ids])
            batch = Batch(prompt_index, _join(prompts, texts), lengths, trainer_state.global_step, seed)
            return shape(rewards.reward, batch).tolist()

        return proxy_reward


def measure_proxy(
    ensemble: Ensemble,
    reference: PreTrainedModel,
    tokenizer: PreTrainedTokenizerFast,
    prompts: Sequence[Conversation],
    *,
    num_references: int,
    max_new_tokens: int,
    seed: int,
    threads: int = 1,
) -> Proxy:
    """Return the proxy, its baseline measured on `num_references` completions of the reference per prompt."""
    drawn = sample(
        reference, tokenizer, prompts, num_samples=num_references, max_new_tokens=max_new_tokens, seed=seed
    )  # fmt: skip
    texts = [one.text for of_prompt in drawn for one in of_prompt]
    repeated = [prompt for prompt in prompts for _ in range(num_references)]
    raw = score_with(ensemble.reward_models, _join(repeated, texts), threads)
    baseline = raw.view(len(raw), len(prompts), num_references).double().mean(dim=-1).float()
    return Proxy(ensemble, prompts, baseline, threads)


def _join(prompts: Sequence[Conversation], completions: Sequence[str]) -> list[Conversation]:
    return [prompt + assistant(text) for prompt, text in zip(prompts, completions, strict=True)]
