"""Log-probabilities without waste: prompts that several completions share read once, and no padding.

TRL reads a batch of prompts and completions at the width of its longest prompt and its longest completion, for the
reference and for the loss, each completion with its prompt before it. Here a prompt's keys serve all its completions,
and the rows are read in parts of like length, each no wider than it must be.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from rlhf_pipeline import prefixes
from rlhf_pipeline.prefixes import Prefixes

if TYPE_CHECKING:
    from torch import Tensor

LEAST_ROWS = 16
"""Of a part: fewer do not fill a device."""
MOST_DIFFERENT = 0.5
"""Share of a batch's rows up to which different prompts are worth a pass of their own."""
PLAIN = ("compute_entropy",)
"""What may be asked of plain texts."""


@dataclass(frozen=True)
class Prompts:
    """The prompts of a batch, read; called as TRL calls a model, with some rows of the batch."""

    model: Any
    read: Prefixes
    """Each prompt without its last token, which predicts the completion's first."""
    number: Tensor
    """[B] which of them each row goes on from."""
    first: int
    """Column of the batch at which the longest begins."""

    def of(self, rows: Tensor) -> Prompts:
        """Return the prompts of some rows."""
        return replace(self, number=self.number[rows])

    def __call__(self, input_ids: Tensor, attention_mask: Tensor, labels: Tensor, **kwargs: Any) -> Any:
        """Return what the model says from the prompts' last tokens on."""
        begin = self.read.mask.shape[1]
        ids, mask = input_ids[:, begin:], attention_mask[:, begin:]
        return self.read.go_on(self.model, self.number, ids, mask, labels=labels[:, begin:], **kwargs)


def trimmed(base: Any) -> Any:
    """Return a class of TRL's online trainers that reads a prompt once and no more padding than it must.

    Images and the losses of mixtures of experts are left to TRL, and so are trainers that read otherwise, or whose
    `reads_whole_batches` says that they use the passes for more.
    """
    import torch

    if not hasattr(base, "_get_per_token_logps_and_entropies") or getattr(base, "reads_whole_batches", False):
        return base

    class Trimmed(base):  # type: ignore[misc]
        """The method's results are those of TRL where a token counts, and 0 elsewhere."""

        def _get_per_token_logps_and_entropies(
            self,
            model: Any,
            input_ids: Tensor,
            attention_mask: Tensor,
            logits_to_keep: int,
            batch_size: int | None = None,
            **kwargs: Any,
        ) -> tuple[Any, ...]:
            read = super()._get_per_token_logps_and_entropies
            if any(value is not None and value is not False for name, value in kwargs.items() if name not in PLAIN):
                return tuple(read(model, input_ids, attention_mask, logits_to_keep, batch_size, **kwargs))
            num_rows, width = input_ids.shape
            num_prompt, most = width - logits_to_keep, batch_size or num_rows
            shared = None
            if self._can_share(model):
                with self.accelerator.autocast():
                    shared = read_prompts(model, input_ids[:, :num_prompt], attention_mask[:, :num_prompt], most)
            order = attention_mask[:, num_prompt if shared else 0 :].sum(dim=1).argsort(stable=True)
            found = []
            for rows in order.tensor_split(max(num_rows // LEAST_ROWS, -(-num_rows // most))):
                first, last = columns(attention_mask[rows], num_prompt)
                first = shared.first if shared else first
                part = input_ids[rows, first:last], attention_mask[rows, first:last]
                values = read(shared.of(rows) if shared else model, *part, logits_to_keep - (width - last), **kwargs)
                found.append([_widen(value, width - last) for value in values])
            back = order.argsort()
            return tuple(None if own[0] is None else torch.cat(own)[back] for own in zip(*found, strict=True))

        def _can_share(self, model: Any) -> bool:
            own = self.accelerator.unwrap_model(model)  # of what joins the gradients of several processes
            if not hasattr(self, "_can_read"):
                self._can_read = prefixes.can_read(own)  # so may the reference, a model of its kind
            return self._can_read and not prefixes.drops_cache(own)

    return Trimmed


def read_prompts(model: Any, ids: Tensor, mask: Tensor, most: int) -> Prompts | None:
    """Return prompts, read; None where that saves nothing, or too many would be read at once.

    Args:
        model: of whom `prefixes.can_read` is true.
        ids: [B, P] padded on the left.
        mask: [B, P] 0 where padded.
        most: rows that may be read at once.
    """
    import torch

    first, last = columns(mask, ids.shape[1])[0], ids.shape[1] - 1
    both = torch.cat([ids[:, first:last], mask[:, first:last]], dim=1)
    different, number = both.unique(dim=0, return_inverse=True)
    if first >= last or len(different) > min(MOST_DIFFERENT * len(ids), most):
        return None
    return Prompts(model, prefixes.read(model, *different.tensor_split(2, dim=1)), number, first)


def columns(mask: Tensor, num_prompt: int) -> tuple[int, int]:
    """Return where the tokens of [b, T] rows begin and end; the columns around a completion's begin always count."""
    used = mask.any(dim=0).nonzero().flatten().tolist()
    first, last = (used[0], used[-1] + 1) if used else (0, 0)
    return min(first, num_prompt - 1), max(last, num_prompt + 1)


def _widen(values: Tensor | None, missing: int) -> Tensor | None:
    from torch.nn.functional import pad

    return values if values is None else pad(values, (0, missing))
