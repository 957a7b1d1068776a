"""Sampling completions, and the KL divergence between two policies on them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rlhf_pipeline.batching import by_length
from rlhf_pipeline.records import Conversation

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import PreTrainedModel, PreTrainedTokenizerFast


LOGITS_AT_ONCE = 2**28
"""Logits of one forward pass, half a GiB in bfloat16: 64 rows of 27 tokens for a vocabulary of 151,936."""


@dataclass(frozen=True)
class Sample:
    """One completion: its text, its ids up to and with the end token, and whether the length limit cut it."""

    text: str
    completion_ids: list[int]
    is_truncated: bool


def render_prompts(tokenizer: PreTrainedTokenizerFast, prompts: Sequence[Conversation]) -> list[str]:
    """Return the text of each prompt, ready for the assistant's turn."""
    texts: Any = tokenizer.apply_chat_template(list(prompts), tokenize=False, add_generation_prompt=True)
    return texts


def sample(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerFast,
    prompts: Sequence[Conversation],
    *,
    num_samples: int,
    max_new_tokens: int,
    temperature: float = 1.0,
    seed: int,
    batch_size: int = 256,
) -> list[list[Sample]]:
    """Return `num_samples` completions per prompt, drawn from the whole distribution (no top-k, no top-p)."""
    import torch

    from rlhf_pipeline.policy.generation import decode

    texts = [t for t in render_prompts(tokenizer, prompts) for _ in range(num_samples)]
    flat: list[Sample] = []
    generate: Any = model.eval().generate
    devices = [model.device] if model.device.type == "cuda" else []
    with torch.random.fork_rng(devices), torch.no_grad():
        torch.manual_seed(seed)
        for start in range(0, len(texts), batch_size):
            batch = tokenizer(
                texts[start : start + batch_size],
                return_tensors="pt", padding=True, padding_side="left", add_special_tokens=False,
            ).to(model.device)  # fmt: skip
            ids = generate(
                input_ids=batch["input_ids"], attention_mask=batch["attention_mask"],
                do_sample=True, temperature=temperature, top_k=0, top_p=1.0, max_new_tokens=max_new_tokens,
                pad_token_id=tokenizer.pad_token_id, eos_token_id=tokenizer.eos_token_id, custom_generate=decode,
            )  # fmt: skip
            new = ids[:, batch["input_ids"].shape[1] :].tolist()
            flat += [_sample(tokenizer, row) for row in new]
    return [flat[i : i + num_samples] for i in range(0, len(flat), num_samples)]


def _sample(tokenizer: PreTrainedTokenizerFast, ids: list[int]) -> Sample:
    end = tokenizer.eos_token_id
    is_truncated = end not in ids
    kept = ids if is_truncated else ids[: ids.index(end) + 1]
    return Sample(str(tokenizer.decode(kept, skip_special_tokens=True)).strip(), kept, is_truncated)


def completion_logps(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerFast,
    prompts: Sequence[Conversation],
    completions: Sequence[list[int]],
    batch_size: int = 64,
    logits_at_once: int = LOGITS_AT_ONCE,
) -> Tensor:
    """Return the log-probability of each completion under a model, summed over its tokens.

    Args:
        model: a causal language model.
        tokenizer: its tokenizer.
        prompts: N prompts.
        completions: N lists of completion ids, the end token included where there is one.
        batch_size: most rows per forward pass.
        logits_at_once: most logits per forward pass; a row that has more by itself is taken alone.

    Returns:
        [N] nats.
    """
    import torch

    prompt_ids = tokenizer(render_prompts(tokenizer, prompts), add_special_tokens=False)["input_ids"]
    rows = [(len(p), p + c) for p, c in zip(prompt_ids, completions, strict=True)]
    most_tokens = logits_at_once // model.config.get_text_config().vocab_size
    logps = torch.empty(len(rows))
    with torch.no_grad():
        for chosen in by_length([len(ids) for _, ids in rows], batch_size, most_tokens):
            batch = tokenizer.pad(
                {"input_ids": [rows[i][1] for i in chosen]}, padding_side="right", return_tensors="pt"
            ).to(model.device)
            logits = model(**batch, use_cache=False).logits[:, :-1]
            ids = batch["input_ids"][:, 1:]
            # Row by row: log_softmax copies what it is given, in float32.
            per_token = torch.stack(
                [row.float().log_softmax(-1).gather(-1, i[:, None])[:, 0] for row, i in zip(logits, ids, strict=True)]
            )
            position = torch.arange(1, ids.shape[1] + 1, device=ids.device)
            starts = torch.tensor([rows[i][0] for i in chosen], device=ids.device).unsqueeze(1)
            mask = (position >= starts) & batch["attention_mask"][:, 1:].bool()
            logps[chosen] = (per_token * mask).sum(-1).cpu()
    return logps


def kl_per_completion(
    policy: PreTrainedModel,
    reference: PreTrainedModel,
    tokenizer: PreTrainedTokenizerFast,
    prompts: Sequence[Conversation],
    samples: Sequence[Sample],
) -> Tensor:
    """Return the log-ratio of each of the policy's own samples at temperature 1; its mean estimates the KL divergence.

    Returns:
        [N] nats per completion, summed to the end token; a single value can be negative.
    """
    ids = [s.completion_ids for s in samples]
    return completion_logps(policy, tokenizer, prompts, ids) - completion_logps(reference, tokenizer, prompts, ids)
