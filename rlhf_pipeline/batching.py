"""Token ids in batches of like length, and what several of them begin with apart, so that it is read once."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

Ids = Sequence[list[int]]
Group = tuple[int, list[int]]
"""How many tokens some rows begin with, and the rows."""
BATCH_TOKENS = 4096
"""Most tokens of a forward pass, padding included; a conversation that is longer goes alone."""
WASTE = 384
"""Tokens of padding, at most, that a forward pass of unlike lengths may have: one more pass takes time as well."""
LEAST_SHARED = 8
"""Tokens below which a common beginning is not worth a pass of its own."""


@dataclass(frozen=True)
class Batch:
    """Texts of like length that go through a model together."""

    rows: list[int]
    """[B] the place of each among all."""
    input_ids: Tensor
    """[B, T] padded on the right."""
    attention_mask: Tensor
    """[B, T] 0 where padded."""
    prefix: Tensor
    """[B] which prefix of its chunk each goes on from; 0 where it has none."""


@dataclass(frozen=True)
class Chunk:
    """Batches, and the prefixes that their texts go on from."""

    batches: list[Batch]
    prefixes: tuple[Tensor, Tensor] | None = None
    """Ids and mask, [P, T] each, padded on the left; None: the texts are whole."""


def batches(ids: Ids, pad: int, batch_size: int) -> list[Batch]:
    """Return token ids in batches of like length, so that little is spent on padding; the longest comes last."""
    return _batches(dict(enumerate(ids)), pad, batch_size)


def plan(ids: Ids, groups: Iterable[Sequence[int]], pad: int, batch_size: int) -> list[Chunk]:
    """Return token ids in chunks: what a group begins with is a prefix, where it is long enough.

    Args:
        ids: [N] of each text.
        groups: rows that may begin alike; each row is in one.
        pad: the padding token, which no model takes for a text's last.
        batch_size: most texts and most prefixes of a pass.
    """
    shared: list[Group] = []
    alone: list[int] = []
    for group in groups:
        length = common([ids[row] for row in group]) if len(group) > 1 else 0
        if length >= LEAST_SHARED and all(any(token != pad for token in ids[row][length:]) for row in group):
            shared.append((length, list(group)))
        else:
            alone += group
    together = by_length([length for length, _ in shared], batch_size, BATCH_TOKENS)
    chunks = [_chunk([shared[place] for place in places], ids, pad, batch_size) for places in together]
    return [*chunks, Chunk(_batches({row: ids[row] for row in alone}, pad, batch_size))]


def by_length(lengths: Sequence[int], most_rows: int, most_tokens: int, waste: float = math.inf) -> list[list[int]]:
    """Return places in groups of like length, the shortest first; what is longer than `most_tokens` stands alone.

    Args:
        lengths: [N] tokens of each.
        most_rows: of a group.
        most_tokens: of a group, padding included.
        waste: tokens of padding that a group may have, if all but its longest were as short as its shortest.
    """
    groups: list[list[int]] = []
    for place in sorted(range(len(lengths)), key=lengths.__getitem__):
        own, width = groups[-1] if groups else [], lengths[place]
        is_full = not own or len(own) == most_rows or (len(own) + 1) * width > most_tokens
        if is_full or len(own) * (width - lengths[own[0]]) > waste:
            groups.append([])
        groups[-1].append(place)
    return groups


def common(texts: Ids) -> int:
    """Return how many tokens all texts begin with; each keeps one of its own."""
    first, last = min(texts), max(texts)  # in the order of their tokens: what these two share, all between share
    most = min(map(len, texts)) - 1
    return next((place for place in range(most) if first[place] != last[place]), max(most, 0))


def padded(ids: Ids, pad: int, on_the_left: bool = False) -> tuple[Tensor, Tensor]:
    """Return token ids and their mask, [B, T] each; a tokenizer's own `pad` takes as long as a small model."""
    import torch
    from torch.nn.utils.rnn import pad_sequence

    side = "left" if on_the_left else "right"
    input_ids = pad_sequence([torch.tensor(own) for own in ids], True, pad, side)
    places, lengths = torch.arange(input_ids.shape[1]), torch.tensor([len(own) for own in ids])[:, None]
    is_text = places >= input_ids.shape[1] - lengths if on_the_left else places < lengths
    return input_ids, is_text.long()


def _chunk(part: Sequence[Group], ids: Ids, pad: int, batch_size: int) -> Chunk:
    prefixes = [ids[rows[0]][:length] for length, rows in part]
    rest = {row: ids[row][length:] for length, rows in part for row in rows}
    number = {row: number for number, (_, rows) in enumerate(part) for row in rows}
    return Chunk(_batches(rest, pad, batch_size, number, len(prefixes[-1])), padded(prefixes, pad, on_the_left=True))


def _batches(
    ids: Mapping[int, list[int]], pad: int, batch_size: int, prefix: Mapping[int, int] | None = None, before: int = 0
) -> list[Batch]:
    """Return texts in batches of like length; `before` tokens stand before each, those of its prefix."""
    import torch

    rows = list(ids)
    groups = by_length([before + len(ids[row]) for row in rows], batch_size, BATCH_TOKENS, WASTE)
    found = [[rows[place] for place in places] for places in groups]
    return [
        Batch(own, *padded([ids[row] for row in own], pad), torch.tensor([(prefix or {}).get(row, 0) for row in own]))
        for own in found
    ]
