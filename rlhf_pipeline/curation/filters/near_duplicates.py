"""Drop items that nearly repeat an earlier one: MinHash (Broder 1997) finds candidates, the exact Jaccard decides.

Prompt and both sides must each be near, the sides in either order: counted over the whole item, a long prompt would
make any two pairs of short replies look alike. Rows of one item (votes) go together.
"""

from collections.abc import Hashable
from zlib import crc32

from pydantic import Field

from rlhf_pipeline.curation.filters import Filtered, sift
from rlhf_pipeline.curation.identity import item
from rlhf_pipeline.methods import MethodParams
from rlhf_pipeline.records import Row

Bags = tuple[frozenset[int], ...]
MARGIN = 0.1  # the LSH looks this far below the threshold, for its estimate is rough and the exact value decides


class Params(MethodParams):
    """How alike two items must be."""

    threshold: float = Field(0.9, gt=MARGIN, le=1, description="least Jaccard of each part; the later item goes")
    shingle_words: int = Field(3, ge=1, description="words in a shingle")
    num_perm: int = Field(64, ge=16, description="permutations of MinHash; more find more candidates")


def apply(rows: list[Row], params: Params) -> Filtered:
    """Keep the first of items that are nearly alike."""
    firsts: dict[Hashable, Row] = {}
    for row in rows:
        firsts.setdefault(item(row), row)
    copies = find_copies([shingles(key, params.shingle_words) for key in firsts], params)  # type: ignore[arg-type]
    names = [row["id"] for row in firsts.values()]
    reasons = {key: copies.get(number) for number, key in enumerate(firsts)}

    def reason(_: int, row: Row) -> str | None:
        found = reasons[item(row)]
        return f"near copy: of {names[found[0]]}, Jaccard {found[1]:.2f}" if found else None

    return sift(rows, reason)


def shingles(key: tuple[str, str, str], size: int) -> Bags:
    """Return the hashes of the word shingles of a prompt and of each side."""
    return tuple(_bag(content.lower().split(), size) for content in key)


def _bag(words: list[str], size: int) -> frozenset[int]:
    starts = range(max(len(words) - size, 0) + 1)
    return frozenset(crc32(" ".join(words[start : start + size]).encode()) for start in starts)


def find_copies(items: list[Bags], params: Params) -> dict[int, tuple[int, float]]:
    """Return, for each item that is near an earlier kept one, that one's place and how alike they are."""
    from datasketch import MinHash, MinHashLSH

    index = MinHashLSH(threshold=params.threshold - MARGIN, num_perm=params.num_perm)
    # Where each part is near, so is the union of the parts, which therefore finds the candidates.
    unions = (sorted(frozenset().union(*bags)) for bags in items)
    copies: dict[int, tuple[int, float]] = {}
    for place, minhash in enumerate(MinHash.generator(unions, num_perm=params.num_perm, hashfunc=int)):
        near = [(other, likeness(items[place], items[other])) for other in sorted(index.query(minhash))]
        near = [(other, value) for other, value in near if value >= params.threshold]
        if near:
            copies[place] = near[0]
        else:
            index.insert(place, minhash)
    return copies


def likeness(first: Bags, second: Bags) -> float:
    """Return the Jaccard of the parts that are least alike, the sides in the better of their two orders."""
    prompt, one, other = first
    orders = (second[1:], second[:0:-1])
    return min(jaccard(prompt, second[0]), max(min(jaccard(one, a), jaccard(other, b)) for a, b in orders))


def jaccard(first: frozenset[int], second: frozenset[int]) -> float:
    """Return the share of shingles that two bags have in common."""
    return len(first & second) / len(first | second)
