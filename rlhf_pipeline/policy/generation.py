"""Drawing completions without waste: a decoding loop for transformers' `generate`, for any decoder, without compiling.

`generate` reads a prompt once for each of its completions, computes every row until the longest is done, copies the
whole cache at every token, and on a processor draws with a slow kernel. Here equal prompts are read once, rows that
ended leave the batch, the cache is allocated once, and a token is drawn from the cumulated distribution. The tokens are
other ones for a seed; their distribution is the same.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

import torch
from transformers import DynamicCache
from transformers.cache_utils import DynamicLayer
from transformers.generation import TemperatureLogitsWarper, TopKLogitsWarper, TopPLogitsWarper

if TYPE_CHECKING:
    from torch import Tensor

SHRINK_AT = 0.75
"""Rows that ended are dropped where at most this share has not: dropping copies the cache."""
STATELESS = (TemperatureLogitsWarper, TopKLogitsWarper, TopPLogitsWarper)
"""Processors that see the scores alone: others keep something for each row, and rows must stay where they are."""
KNOWN = {"past_key_values", "attention_mask", "use_cache", "position_ids", "cache_position", "logits_to_keep"}
"""What `generate` may hand over beside the ids; a model that needs more is decoded by transformers' own loop."""


def without_waste(model: Any) -> Any:
    """Return a model whose `generate` decodes as here where it samples; with beams or own caches it is as it was."""
    if "generate" not in vars(model):
        model.generate = partial(model.generate, custom_generate=decode)
    return model


class Allocated(DynamicLayer):
    """A layer of a cache with room for all tokens, which it hands out as views."""

    def __init__(self, length: int) -> None:
        """Have room for so many tokens."""
        super().__init__()
        self._room: tuple[Tensor, ...] = ()
        self._length, self._used = length, 0

    def update(self, key_states: Tensor, value_states: Tensor, *args: Any, **kwargs: Any) -> tuple[Tensor, Tensor]:
        """Write new keys and values, [B, H, N, D] each, and return all so far."""
        new = (key_states, value_states)
        if not self.is_initialized:
            self.lazy_initialization(key_states, value_states)
            self._room = tuple(one.new_empty(*one.shape[:2], self._length, one.shape[3]) for one in new)
        begin, self._used = self._used, self._used + key_states.shape[2]
        for room, one in zip(self._room, new, strict=True):
            room[:, :, begin : self._used] = one
        return self._view()

    def batch_select_indices(self, indices: Tensor) -> None:
        """Take rows of the batch, by number or by mask; a row may be taken more than once."""
        self._room = tuple(room[indices] for room in self._room)
        self._view()

    def _view(self) -> tuple[Tensor, Tensor]:
        self.keys, self.values = (room[:, :, : self._used] for room in self._room)
        return self.keys, self.values


def decode(
    model: Any,
    input_ids: Tensor,
    logits_processor: Any,
    stopping_criteria: Any,
    generation_config: Any,
    **model_kwargs: Any,
) -> Tensor:
    """Return prompts with their completions, [B, L], padded on the right; called by `generate`.

    Args:
        model: a decoder.
        input_ids: [B, P] prompts, padded on the left.
        logits_processor: changes the scores before a token is drawn.
        stopping_criteria: its length limit counts; an end token ends a row.
        generation_config: as `generate` prepared it.
        model_kwargs: the mask of the prompts, [B, P], and an empty cache.
    """
    if not _is_plain(generation_config, logits_processor, stopping_criteria, model_kwargs):
        found: Tensor = model._sample(input_ids, logits_processor, stopping_criteria, generation_config, **model_kwargs)
        return found
    # Autograd's bookkeeping is a tenth of a small model's time; what leaves here may be trained on again.
    with torch.inference_mode():
        cache = _allocate(model_kwargs["past_key_values"], stopping_criteria.max_length)
        mask = _mask_of_all(model_kwargs.get("attention_mask"), input_ids, stopping_criteria.max_length)
        ids = _complete(model, input_ids, mask, cache, logits_processor, generation_config)
    return ids.clone()


def _complete(
    model: Any, input_ids: Tensor, mask: Tensor, cache: DynamicCache, logits_processor: Any, generation_config: Any
) -> Tensor:
    """Return [B, L] of prompts, [B, P], and a mask of prompts and completions, as wide as these may become."""
    num_prompt, limit = input_ids.shape[1], mask.shape[1]
    ends, pad = generation_config._eos_token_tensor, generation_config._pad_token_tensor
    ids = torch.full((len(input_ids), limit), int(pad), dtype=input_ids.dtype, device=input_ids.device)
    ids[:, :num_prompt] = input_ids
    positions = (mask.cumsum(dim=1) - 1).clamp(min=0)
    rows = torch.arange(len(ids), device=ids.device)  # those in the batch
    is_open = torch.ones_like(rows, dtype=torch.bool)  # of them, those that have not ended
    read = partial(model, past_key_values=cache, use_cache=True, logits_to_keep=1)
    logits = _read_prompts(read, cache, input_ids, mask[:, :num_prompt], positions[:, :num_prompt])
    widen = _masks_of(model, cache)
    for place in range(num_prompt, limit):
        if place > num_prompt:
            own = {"input_ids": ids[rows, place - 1, None], "position_ids": positions[:, place - 1, None]}
            logits = read(**own, attention_mask=widen(mask[:, :place])).logits[:, -1]
        scores = logits_processor(ids[rows, :place], logits.float())
        drawn = draw(scores) if generation_config.do_sample else scores.argmax(dim=-1)
        ids[rows, place] = torch.where(is_open, drawn, pad)
        is_open &= torch.isin(drawn, ends, invert=True)
        num_open = int(is_open.sum())
        if num_open == 0:
            return ids[:, : place + 1]
        if num_open <= SHRINK_AT * len(rows):
            cache.batch_select_indices(is_open)
            rows, mask, positions = rows[is_open], mask[is_open], positions[is_open]
            is_open = torch.ones_like(rows, dtype=torch.bool)
    return ids


def _read_prompts(read: Any, cache: DynamicCache, ids: Tensor, mask: Tensor, positions: Tensor) -> Tensor:
    """Return the logits after each prompt, [B, V]; prompts that stand side by side and are equal are read once."""
    _, number = torch.unique_consecutive(torch.cat([ids, mask], dim=1), dim=0, return_inverse=True)
    num_different = int(number[-1]) + 1
    first = torch.searchsorted(number, torch.arange(num_different, device=ids.device))
    logits = read(input_ids=ids[first], attention_mask=mask[first], position_ids=positions[first]).logits[:, -1]
    if cache.get_seq_length() != ids.shape[1]:
        raise RuntimeError("the model filled no cache; generate in eval mode, without gradient checkpointing")
    if num_different == len(ids):
        return logits
    cache.batch_select_indices(number)
    return logits[number]


def _masks_of(model: Any, cache: DynamicCache) -> Callable[[Tensor], Tensor]:
    """Return what makes a mask of the keys, [B, L], one that the model takes as it is, where it takes any."""
    is_plain = all(isinstance(layer, Allocated) for layer in cache.layers)
    if is_plain and model.config._attn_implementation == "sdpa":
        return lambda mask: mask[:, None, None].bool()
    return lambda mask: mask


def _mask_of_all(mask: Tensor | None, ids: Tensor, length: int) -> Tensor:
    """Return the mask of prompts and completions, [B, L]; `generate` leaves out one that hides nothing."""
    mask = torch.ones_like(ids) if mask is None else mask
    return torch.cat([mask, mask.new_ones(len(mask), length - ids.shape[1])], dim=1)


def draw(scores: Tensor) -> Tensor:
    """Return one token for each row of scores, [B] of [B, V], each as likely as its softmax says."""
    if scores.is_cuda:
        return torch.multinomial(scores.softmax(dim=-1), 1)[:, 0]
    # Of so many numbers float32 would lose the small ones; and no token without a chance is ever at a boundary.
    cumulated = scores.double().softmax(dim=-1).cumsum(dim=-1)
    uniform = torch.rand(len(scores), 1, dtype=torch.float64) * cumulated[:, -1:]
    return torch.searchsorted(cumulated, uniform, right=True)[:, 0]


def _allocate(cache: DynamicCache, length: int) -> DynamicCache:
    """Return a cache whose plain layers are allocated at once; others, with a window, stay as they are."""
    cache.layers = [Allocated(length) if type(layer) is DynamicLayer else layer for layer in cache.layers]
    return cache


def _is_plain(
    generation_config: Any, logits_processor: Any, stopping_criteria: Any, model_kwargs: dict[str, Any]
) -> bool:
    """Return whether ids alone are sampled from a decoder with an empty cache that can drop rows."""
    cache = model_kwargs.get("past_key_values")
    return (
        isinstance(cache, DynamicCache)
        and all(isinstance(one, STATELESS) for one in logits_processor)
        and cache.get_seq_length() == 0
        and set(model_kwargs) <= KNOWN
        and len(stopping_criteria) <= 2  # the length limit and the end token
        and not generation_config.return_dict_in_generate
        and generation_config._eos_token_tensor is not None
    )
