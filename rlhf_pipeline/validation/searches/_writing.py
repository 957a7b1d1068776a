"""Completions of a policy for a search: sampled, greedy, or steered token by token."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from rlhf_pipeline.mistakes import Mistake
from rlhf_pipeline.models import context_length
from rlhf_pipeline.records import Conversation
from rlhf_pipeline.validation.searches import Ground

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import PreTrainedModel, PreTrainedTokenizerFast

BATCH_SIZE = 64
Steer = Callable[[list[int], "Tensor", "Tensor"], "Tensor"]
"""Numbers [B] of the prompts, what was written so far [B, T], logits [B, V] → other logits [B, V]."""


def writer_of(ground: Ground, method: str) -> tuple[PreTrainedModel, PreTrainedTokenizerFast]:
    """Return the policy and its tokenizer.

    Raises:
        Mistake: there is none.
    """
    if ground.policy is None or ground.tokenizer is None:
        raise Mistake(f"{method} needs a policy that writes: name a language model's folder with --policy DIR")
    return ground.policy, ground.tokenizer


def have_room(ground: Ground, prompts: Sequence[Conversation], num_tokens: int) -> list[bool]:
    """Return whether the policy's context holds each prompt and so many tokens after it."""
    policy, tokenizer = writer_of(ground, "this search")
    limit = context_length(policy) - num_tokens
    return [len(ids) <= limit for ids in tokenizer(_opened(tokenizer, prompts), add_special_tokens=False)["input_ids"]]


def complete(
    ground: Ground,
    prompts: Sequence[Conversation],
    max_new_tokens: int,
    *,
    seed: int | None = None,
    steer: Steer | None = None,
    batch_size: int = BATCH_SIZE,
) -> list[str]:
    """Return a completion of each prompt.

    Args:
        ground: whose policy writes.
        prompts: N of them.
        max_new_tokens: most tokens of a completion.
        seed: of samples from the whole distribution; None: the most likely token each time.
        steer: changes the logits before a token is chosen.
        batch_size: completions written at once.
    """
    import torch

    policy, tokenizer = writer_of(ground, "this search")
    texts = _opened(tokenizer, prompts)
    chance = {"do_sample": False} if seed is None else {"do_sample": True, "temperature": 1.0, "top_k": 0, "top_p": 1.0}
    generate: Any = policy.eval().generate
    written: list[str] = []
    with torch.random.fork_rng([policy.device] if policy.device.type == "cuda" else []), torch.no_grad():
        torch.manual_seed(seed or 0)
        for start in range(0, len(texts), batch_size):
            places = list(range(start, min(start + batch_size, len(texts))))
            batch = tokenizer(
                [texts[place] for place in places],
                return_tensors="pt", padding=True, padding_side="left", add_special_tokens=False,
            ).to(policy.device)  # fmt: skip
            width = batch["input_ids"].shape[1]
            ids = generate(
                input_ids=batch["input_ids"], attention_mask=batch["attention_mask"], max_new_tokens=max_new_tokens,
                pad_token_id=tokenizer.pad_token_id, eos_token_id=tokenizer.eos_token_id,
                logits_processor=_processors(steer, places, width), **chance,
            )  # fmt: skip
            written += [text.strip() for text in tokenizer.batch_decode(ids[:, width:], skip_special_tokens=True)]
    return written


def _processors(steer: Steer | None, places: list[int], width: int) -> list[Callable[[Tensor, Tensor], Tensor]]:
    from transformers import LogitsProcessorList

    if steer is None:
        return LogitsProcessorList()
    return LogitsProcessorList([lambda input_ids, logits: steer(places, input_ids[:, width:], logits)])


def _opened(tokenizer: PreTrainedTokenizerFast, prompts: Sequence[Conversation]) -> list[str]:
    """Return the text of each prompt, ready for the reply."""
    texts: Any = tokenizer.apply_chat_template(list(prompts), tokenize=False, add_generation_prompt=True)
    return texts
