"""Token ids in batches of like length, and what several of them begin with apart, so that it is read once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
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
    shared: list[tuple[int, list[int]]] = []
    alone: list[int] = []
    for group in groups:
        length = common([ids[row] for row in group])
        ends = [row for row in group if any(token != pad for token in ids[row][length:])]
        if len(group) == 1 or length < LEAST_SHARED or len(ends) < len(group):
            alone += group
        else:
            shared.append((length, list(group)))
    chunks = [_chunk(part, ids, pad, batch_size) for part in _together(sorted(shared), batch_size)]
    return [*chunks, Chunk(_batches({row: ids[row] for row in alone}, pad, batch_size))]


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


def _together(groups: Iterable[Group], batch_size: int) -> Iterator[list[Group]]:
    """Yield groups whose prefixes, the shortest first, are read in one pass."""
    part: list[Group] = []
    for group in groups:
        if part and (len(part) == batch_size or (len(part) + 1) * group[0] > BATCH_TOKENS):
            yield part
            part = []
        part.append(group)
    if part:
        yield part


def _batches(
    ids: Mapping[int, list[int]], pad: int, batch_size: int, prefix: Mapping[int, int] | None = None, before: int = 0
) -> list[Batch]:
    """Return texts in batches of like length; `before` tokens stand before each, those of its prefix."""
    import torch

    groups: list[list[int]] = []
    for row in sorted(ids, key=lambda row: len(ids[row])):
        if not groups or _is_full(groups[-1], len(ids[groups[-1][0]]), len(ids[row]), batch_size, before):
            groups.append([])
        groups[-1].append(row)
    numbers = [torch.tensor([(prefix or {}).get(row, 0) for row in rows]) for rows in groups]
    return [
        Batch(rows, *padded([ids[row] for row in rows], pad), own) for rows, own in zip(groups, numbers, strict=True)
    ]


def _is_full(group: Sequence[int], shortest: int, width: int, batch_size: int, before: int) -> bool:
    """Return whether the next row, which is as long as any of a group or longer, begins another."""
    num_rows = len(group)
    too_wide = num_rows * (width - shortest) > WASTE
    return too_wide or num_rows == batch_size or (num_rows + 1) * (before + width) > BATCH_TOKENS
