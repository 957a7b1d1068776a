"""Drop items that nearly repeat an earlier one: MinHash (Broder 1997) finds candidates, the exact Jaccard decides.

Prompt and both sides must each be near, the sides in either order: counted over the whole item, a long prompt would
make any two pairs of short replies look alike. Rows of one item (votes) go together.
"""

from collections import defaultdict
from collections.abc import Hashable
from zlib import crc32

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from rlhf_pipeline.curation.filters import Filtered, sift
from rlhf_pipeline.curation.identity import item
from rlhf_pipeline.methods import MethodParams
from rlhf_pipeline.records import Row, hash_text

Shingles = frozenset[Hashable]
Bags = tuple[Shingles, ...]
MARGIN = 0.1  # the LSH looks this far below the threshold, for its estimate is rough and the exact value decides
CHUNK_ITEMS = 2048  # their shingles stay in the processor's cache while the permutations pass over them
SEED = 1
MIX = np.uint64(0x9E3779B97F4A7C15)  # odd, its bits spread: Fibonacci hashing (Knuth, volume 3, 6.4)


class Params(MethodParams):
    """How alike two items must be."""

    threshold: float = Field(0.9, gt=MARGIN, le=1, description="least Jaccard of each part; the later item goes")
    shingle_words: int = Field(3, ge=1, description="words in a shingle")
    num_perm: int = Field(64, ge=16, description="permutations of MinHash; more find more candidates")


def apply(rows: list[Row], params: Params) -> Filtered:
    """Keep the first of items that are nearly alike."""
    ids, keys = sketch(rows, params)
    firsts: dict[str, int] = {}
    for place, id in enumerate(ids):
        firsts.setdefault(id, place)
    places = list(firsts.values())
    found = find_copies([rows[place] for place in places], keys[places], params)
    reasons = {
        ids[places[copy]]: f"near copy: of {rows[places[first]]['id']}, Jaccard {value:.2f}"
        for copy, (first, value) in found.items()
    }
    return sift(rows, lambda place, _: reasons.get(ids[place]))


def sketch(rows: list[Row], params: Params) -> tuple[list[str], NDArray[np.uint64]]:
    """Return the id of each row's item, and its buckets, [N, bands]: items that share one are likely to be near.

    Half of a bucket's hashes are of the prompt and half of both sides together (where each side is near, so is their
    union), so that one long prompt under many replies makes no bucket of them all. Texts live a chunk at a time.
    """
    from datasketch import MinHashLSH

    lsh = MinHashLSH(threshold=params.threshold - MARGIN, num_perm=params.num_perm)  # chooses the bands
    rng = np.random.default_rng(SEED)
    factors = rng.integers(2**32, size=(lsh.b * lsh.r, 2), dtype=np.uint32) | np.array([1, 0], dtype=np.uint32)
    weights = rng.integers(2**64, size=(lsh.b, lsh.r, 1), dtype=np.uint64) | np.uint64(1)
    ids: list[str] = []
    keys = np.empty((len(rows), lsh.b), dtype=np.uint64)
    for start in range(0, len(rows), CHUNK_ITEMS):
        items = [item(row) for row in rows[start : start + CHUNK_ITEMS]]
        hashes, begins = hash_shingles([part for parts in items for part in parts], params.shingle_words)
        least = signatures(hashes, begins.reshape(-1, 3)[:, :2].ravel(), factors)  # of prompt, sides, prompt, sides
        least = np.where(np.arange(len(factors))[:, None] % 2, least[:, ::2], least[:, 1::2])
        keys[start : start + len(items)] = (weights * least.reshape(lsh.b, lsh.r, -1)).sum(axis=1).T
        ids += [hash_text(*parts) for parts in items]
    return ids, keys


def find_copies(rows: list[Row], keys: NDArray[np.uint64], params: Params) -> dict[int, tuple[int, float]]:
    """Return, for each row that is near an earlier kept one, that one's place and how alike they are."""
    kept: dict[int, list[int]] = defaultdict(list)
    copies: dict[int, tuple[int, float]] = {}
    for place in np.flatnonzero(has_company(keys)).tolist():
        buckets = keys[place].tolist()
        bags = shingles(item(rows[place]), params.shingle_words)
        for other in sorted({other for bucket in buckets for other in kept[bucket]}):
            value = likeness(bags, shingles(item(rows[other]), params.shingle_words))
            if value >= params.threshold:
                copies[place] = other, value
                break
        else:
            for bucket in buckets:
                kept[bucket].append(place)
    return copies


def hash_shingles(texts: list[str], size: int) -> tuple[NDArray[np.uint32], NDArray[np.int64]]:
    """Return hashes of the word shingles of all texts, one text after the other, and where each text's begin."""
    import pyarrow as pa
    import pyarrow.compute as pc

    split = pc.utf8_split_whitespace(pc.utf8_lower(pa.array(texts, pa.large_string())))
    words = split.flatten().dictionary_encode()
    hashed = np.array([crc32(word.encode()) for word in words.dictionary.to_pylist()], dtype=np.uint64)
    spoken = np.append(hashed[words.indices.to_numpy()], np.zeros(size, dtype=np.uint64))
    lengths = pc.list_value_length(split).to_numpy().astype(np.int64)
    counts = np.maximum(lengths - size, 0) + 1
    begins, ends = np.cumsum(counts) - counts, np.cumsum(lengths)
    first = np.arange(counts.sum()) + np.repeat(ends - lengths - begins, counts)
    end = np.repeat(ends, counts)
    mixed = spoken[first]
    for step in range(1, size):  # a text of fewer words than a shingle is one shingle, filled up with zeros
        mixed = mixed * MIX + np.where(first + step < end, spoken[first + step], np.uint64(0))
    return (mixed * MIX >> np.uint64(32)).astype(np.uint32), begins


def signatures(
    hashes: NDArray[np.uint32], begins: NDArray[np.int64], factors: NDArray[np.uint32]
) -> NDArray[np.uint32]:
    """Return the least hash of each set under each permutation x -> ax + b modulo 2**32, [permutations, sets].

    Args:
        hashes: [H] of all sets, one after the other.
        begins: [sets] where each begins; none is empty.
        factors: [permutations, 2] a, which is odd, and b.
    """
    least = np.empty((len(factors), len(begins)), dtype=np.uint32)
    permuted = np.empty_like(hashes)
    for out, (a, b) in zip(least, factors, strict=True):
        np.multiply(hashes, a, out=permuted)
        np.add(permuted, b, out=permuted)
        np.minimum.reduceat(permuted, begins, out=out)
    return least


def has_company(keys: NDArray[np.uint64]) -> NDArray[np.bool_]:
    """Return which rows share a bucket with another, [N]; no other can be near or be a copy."""
    shared = np.zeros(len(keys), dtype=bool)
    for column in keys.T:
        _, inverse, counts = np.unique(column, return_inverse=True, return_counts=True)
        shared |= counts[inverse] > 1
    return shared


def shingles(key: tuple[str, str, str], size: int) -> Bags:
    """Return the word shingles of a prompt and of each side; of fewer words than a shingle has, all in one."""
    return tuple(_bag(content.lower().split(), size) for content in key)


def _bag(words: list[str], size: int) -> Shingles:
    return frozenset(zip(*(words[start:] for start in range(size)), strict=False)) or frozenset([tuple(words)])


def likeness(first: Bags, second: Bags) -> float:
    """Return the Jaccard of the parts that are least alike, the sides in the better of their two orders."""
    prompt, one, other = first
    orders = (second[1:], second[:0:-1])
    return min(jaccard(prompt, second[0]), max(min(jaccard(one, a), jaccard(other, b)) for a, b in orders))


def jaccard(first: Shingles, second: Shingles) -> float:
    """Return the share of shingles that two bags have in common."""
    return len(first & second) / len(first | second)
