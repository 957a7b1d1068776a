"""Drop items that nearly repeat an earlier one: MinHash (Broder 1997) finds candidates, the exact Jaccard decides.

Items are compared by the word shingles of prompt and both sides, in either order. Rows of one item (votes) go together.
"""

from collections.abc import Hashable
from zlib import crc32

from pydantic import Field

from rlhf_pipeline.curation.filters import Filtered, sift
from rlhf_pipeline.curation.identity import item
from rlhf_pipeline.methods import MethodParams
from rlhf_pipeline.records import Row

MARGIN = 0.1  # the LSH looks this far below the threshold, for its estimate is rough and the exact value decides


class Params(MethodParams):
    """How alike two items must be."""

    threshold: float = Field(0.9, gt=MARGIN, le=1, description="least Jaccard of shingles at which the later item goes")
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


def shingles(key: tuple[str, str, str], size: int) -> frozenset[int]:
    """Return the hashes of an item's word shingles; those of the prompt are told from those of the sides."""
    found = set()
    for number, content in enumerate(key):
        words = content.lower().split()
        kind = "prompt" if number == 0 else "side"
        for start in range(max(len(words) - size, 0) + 1):
            found.add(crc32(" ".join((kind, *words[start : start + size])).encode()))
    return frozenset(found)


def find_copies(bags: list[frozenset[int]], params: Params) -> dict[int, tuple[int, float]]:
    """Return, for each bag that is near an earlier kept one, that one's place and their Jaccard."""
    from datasketch import MinHash, MinHashLSH

    index = MinHashLSH(threshold=params.threshold - MARGIN, num_perm=params.num_perm)
    hashes = MinHash.generator(map(sorted, bags), num_perm=params.num_perm, hashfunc=int)
    copies: dict[int, tuple[int, float]] = {}
    for place, minhash in enumerate(hashes):
        near = [(other, jaccard(bags[place], bags[other])) for other in sorted(index.query(minhash))]
        near = [(other, value) for other, value in near if value >= params.threshold]
        if near:
            copies[place] = near[0]
        else:
            index.insert(place, minhash)
    return copies


def jaccard(first: frozenset[int], second: frozenset[int]) -> float:
    """Return the share of shingles that two bags have in common."""
    return len(first & second) / len(first | second)
