"""What several texts begin with, read once: its keys and values serve every text that goes on from it.

Rewards, log-probabilities and gradients are those of whole texts up to rounding, as for GRPO's gradient in Liu et al.
2025 (arXiv:2506.05433).
"""

from __future__ import annotations

import copy
import inspect
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import DynamicCache

PLAIN_LAYERS = {"full_attention", "sliding_attention"}
"""Kinds of attention whose mask is made from that of all keys; others keep something else than keys."""
PROBE = 12
"""Tokens of the two texts that a model is asked with."""
CHANGE, CHANGE_OF_HALF = 1e-4, 0.05
"""Largest change of a number that is borne when a text is read in two parts, as a share of the largest number; the
second for weights in 16 bits."""


@dataclass(frozen=True)
class Prefixes:
    """What P texts begin with, read by a model."""

    cache: DynamicCache
    """Its keys and values."""
    mask: Tensor
    """[P, T] 0 where padded."""

    def go_on(self, model: Any, number: Tensor, ids: Tensor, mask: Tensor, **kwargs: Any) -> Any:
        """Return what the model says of texts from where their prefixes end.

        Args:
            model: that read them.
            number: [B] the prefix of each text.
            ids: [B, L] what follows, padded on the right.
            mask: [B, L] 0 where padded.
            kwargs: for the model.
        """
        import torch

        whole = torch.cat([self.mask[number], mask], dim=1)
        cache = copy.copy(self.cache)  # each text writes into a copy of its own
        cache.layers = [copy.copy(layer) for layer in self.cache.layers]
        cache.batch_select_indices(number)
        places = positions(whole)[:, self.mask.shape[1] :]
        return model(input_ids=ids, attention_mask=whole, position_ids=places, past_key_values=cache, **kwargs)


def read(model: Any, ids: Tensor, mask: Tensor) -> Prefixes:
    """Read prefixes.

    Args:
        model: of whom `can_read` is true.
        ids: [P, T] padded on the left, so that what follows joins on.
        mask: [P, T] 0 where padded.
    """
    from transformers import DynamicCache

    cache = DynamicCache()
    few = {"logits_to_keep": 1} if "logits_to_keep" in _asked(model) else {}
    places = positions(mask)
    model(input_ids=ids, attention_mask=mask, position_ids=places, past_key_values=cache, use_cache=True, **few)
    return Prefixes(cache, mask)


def positions(mask: Tensor) -> Tensor:
    """Return where each token stands in its text, [B, T] of the mask of all its tokens."""
    return (mask.cumsum(dim=1) - 1).clamp(min=0)


def can_read(model: Any) -> bool:
    """Return whether a model says the same of a text that is read in two parts: a decoder with plain keys.

    What its parts say of themselves tells much and not all, so it is asked too, with two made-up texts.
    """
    import torch

    has_names = {"position_ids", "past_key_values"} <= _asked(model)
    has_keys = set(getattr(model.config, "layer_types", None) or ()) <= PLAIN_LAYERS
    looks_ahead = not all(getattr(part, "is_causal", True) for part in model.modules())
    if not has_names or not has_keys or looks_ahead or getattr(model, "_is_stateful", False):
        return False
    size, pad = int(model.config.vocab_size), model.config.pad_token_id
    ids = (torch.arange(1, 2 * PROBE + 1, device=model.device).view(2, PROBE) * 7) % size
    ids[ids == pad] = 1 if pad == 0 else 0
    half, mask = PROBE // 2, torch.ones_like(ids)
    with torch.no_grad(), _without_dropout(model):
        whole = model(input_ids=ids, attention_mask=mask, use_cache=False).logits
        begun = read(model, ids[:, :half], mask[:, :half])
        if begun.cache.get_seq_length() != half:
            return False
        found = begun.go_on(model, torch.arange(2, device=model.device), ids[:, half:], mask[:, half:]).logits
    first, second = (one.float().view(2, -1, one.shape[-1])[:, -1] for one in (whole, found))
    borne = CHANGE if whole.dtype == torch.float32 else CHANGE_OF_HALF
    return bool((first - second).abs().max() <= borne * first.abs().max())


def drops_cache(model: Any) -> bool:
    """Return whether a model is in a training that computes layers twice, which keeps no keys."""
    return bool(model.training and getattr(model, "is_gradient_checkpointing", False))


@contextmanager
def _without_dropout(model: Any) -> Iterator[None]:
    is_training = model.training
    model.eval()
    try:
        yield
    finally:
        model.train(is_training)


def _asked(model: Any) -> set[str]:
    own = getattr(model, "module", model)  # of what joins the gradients of several processes
    own = own.get_base_model() if hasattr(own, "get_base_model") else own  # of adapters
    return set(inspect.signature(own.forward).parameters)
