"""A batch through a model with little padding: in parts of like length, with the same loss and gradient.

Which pairs make a step stays as it was drawn. Sorting the pairs themselves by length would change what is learned:
batches would hold one kind of pair.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor

PART_TOKENS = 256
"""What one more pass through the model costs, in tokens: an estimate for two layers on one thread."""


def split(lengths: Sequence[int], part_tokens: int = PART_TOKENS) -> list[list[int]]:
    """Return the places of a batch in parts of like length, so that padding and passes together cost least.

    Args:
        lengths: [B] tokens of each place.
        part_tokens: what one more part costs.

    Returns:
        The places of each part, shorter parts first.
    """
    places = sorted(range(len(lengths)), key=lambda i: lengths[i])
    costs, starts = [0], [0]
    for end in range(1, len(places) + 1):
        longest = lengths[places[end - 1]]
        cost, start = min((costs[n] + (end - n) * longest + part_tokens, n) for n in range(end))
        costs.append(cost)
        starts.append(start)
    parts, end = [], len(places)
    while end:
        parts.append(places[starts[end] : end])
        end = starts[end]
    return parts[::-1]


def rewards(model: Any, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
    """Return the [B, H] rewards of a batch that is padded on the right, through which gradients flow.

    Args:
        model: a sequence classifier with H outputs.
        input_ids: [B, T].
        attention_mask: [B, T] 0 where padded.
    """
    import torch

    lengths = attention_mask.sum(dim=1).tolist()
    found, order = [], []
    for part in split(lengths):
        longest = max(lengths[place] for place in part)
        tokens = {"input_ids": input_ids[part, :longest], "attention_mask": attention_mask[part, :longest]}
        found.append(model(**tokens, use_cache=False).logits)
        order += part
    return torch.cat(found)[torch.tensor(order, device=input_ids.device).argsort()]
