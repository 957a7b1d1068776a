"""Log-probabilities without reading padding: a batch's rows in parts of like length, each no wider than it must be.

TRL reads a batch of prompts and completions at the width of its longest prompt and its longest completion, for the
reference and for the loss. What is masked there is read for nothing: here half of it or more is left out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor

LEAST_ROWS = 16
"""Of a part: fewer do not fill a device."""
PLAIN = ("batch_size", "compute_entropy")
"""What may be asked of plain texts."""


def trimmed(base: Any) -> Any:
    """Return a class of TRL's online trainers that reads no more columns than a part of a batch has tokens in.

    Images and the losses of mixtures of experts are left to TRL, and so are trainers that read otherwise, or whose
    `reads_whole_batches` says that they use the passes for more.
    """
    import torch

    if not hasattr(base, "_get_per_token_logps_and_entropies") or getattr(base, "reads_whole_batches", False):
        return base

    class Trimmed(base):  # type: ignore[misc]
        """The method's results are those of TRL where a token counts, and 0 elsewhere."""

        def _get_per_token_logps_and_entropies(
            self, model: Any, input_ids: Tensor, attention_mask: Tensor, logits_to_keep: int, *args: Any, **kwargs: Any
        ) -> tuple[Any, ...]:
            read = super()._get_per_token_logps_and_entropies
            if any(value is not None and value is not False for name, value in kwargs.items() if name not in PLAIN):
                return tuple(read(model, input_ids, attention_mask, logits_to_keep, *args, **kwargs))
            width, found = input_ids.shape[1], []
            order = attention_mask.sum(dim=1).argsort(stable=True)
            for rows in order.tensor_split(max(len(order) // LEAST_ROWS, 1)):
                first, last = columns(attention_mask[rows], width - logits_to_keep)
                part = input_ids[rows, first:last], attention_mask[rows, first:last]
                kept = logits_to_keep - (width - last)
                values = read(model, *part, kept, *args, **kwargs)
                found.append([_widen(value, width - last) for value in values])
            back = order.argsort()
            return tuple(None if own[0] is None else torch.cat(own)[back] for own in zip(*found, strict=True))

    return Trimmed


def columns(mask: Tensor, num_prompt: int) -> tuple[int, int]:
    """Return where the tokens of [b, T] rows begin and end; the columns around a completion's begin always count."""
    used = mask.any(dim=0).nonzero().flatten().tolist()
    first, last = (used[0], used[-1] + 1) if used else (0, 0)
    return min(first, num_prompt - 1), max(last, num_prompt + 1)


def _widen(values: Tensor | None, missing: int) -> Tensor | None:
    from torch.nn.functional import pad

    return values if values is None else pad(values, (0, missing))
