"""Rows that would be trained on and measured on: by an evaluation prompt, or by both sides of a held-out pair.

Near an evaluation prompt is by shared word n-grams, as in Brown et al. 2020 (arXiv:2005.14165, appendix C): the share
of a prompt's n-grams that stand in one evaluation prompt. Off by default, since prompts of a small grammar share most
of theirs. A split by prompt cannot see a pair that stands elsewhere under a prompt with a word more; its sides tell.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable

from rlhf_pipeline.curation.filters import Filtered, sift
from rlhf_pipeline.curation.identity import text_of
from rlhf_pipeline.params import Decontamination
from rlhf_pipeline.records import Conversation, Row, hash_text, text

Gram = tuple[str, ...]
MIN_WORDS = 5
"""Of each side of a pair that tells alone where it was seen: 'yes' and 'no' stand under many prompts."""
NEAR = 0.8
"""Share of the words of two prompts that stand in both, where the sides alone do not tell."""


class EvaluationPrompts:
    """Evaluation prompts, indexed to find what repeats them."""

    def __init__(self, prompts: Iterable[Row], params: Decontamination) -> None:
        self.params = params
        self.ids: dict[Gram, str] = {}
        self.index: dict[Gram, set[str]] = defaultdict(set)
        for row in prompts:
            self.ids.setdefault(words(row["prompt"]), row["id"])
            for gram in self._grams(row["prompt"]):
                self.index[gram].add(row["id"])

    def decontaminate(self, rows: list[Row]) -> Filtered:
        """Drop the rows whose prompt is in the evaluation prompts."""
        return sift(rows, lambda _, row: self.find(row["prompt"]))

    def find(self, prompt: Conversation) -> str | None:
        """Return which evaluation prompt a prompt repeats and how, or None."""
        same = self.ids.get(words(prompt))
        if same is not None:
            return f"same as an evaluation prompt: {same}"
        grams = self._grams(prompt)
        shared = Counter(name for gram in grams for name in self.index.get(gram, ()))
        name, count = min(shared.items(), key=lambda x: (-x[1], x[0]), default=("", 0))
        if not count or count / len(grams) < (self.params.max_overlap or 1):
            return None
        return f"near an evaluation prompt: {name}, {count} of {len(grams)} n-grams"

    def _grams(self, prompt: Conversation) -> set[Gram]:
        if self.params.max_overlap is None:
            return set()
        said, size = words(prompt), self.params.ngram_words
        return {said[start : start + size] for start in range(len(said) - size + 1)}


def drop_seen(rows: list[Row], held_out: Iterable[Row]) -> Filtered:
    """Drop the pairs whose two sides stand together, in either order, in a held-out pair under another prompt.

    Where a side is short, the prompts must be near too: of all their words, most are in both.
    """
    seen: dict[str, list[Row]] = defaultdict(list)
    for row in held_out:
        seen[_sides(row)].append(row)

    def find(row: Row) -> str | None:
        rows = seen.get(_sides(row), ())
        is_long = min(len(words(row[side])) for side in ("chosen", "rejected")) >= MIN_WORDS
        name = next((one["id"] for one in rows if is_long or _likeness(row, one) >= NEAR), None)
        return name and f"both sides stand in a held-out pair: {name}"

    return sift(rows, lambda _, row: find(row))


def _sides(row: Row) -> str:
    """Return an id of both sides in either order and any case; their texts would fill the memory again."""
    return hash_text(*sorted(text_of(row[side]).lower() for side in ("chosen", "rejected")))


def _likeness(one: Row, other: Row) -> float:
    first, second = set(words(one["prompt"])), set(words(other["prompt"]))
    return len(first & second) / max(len(first | second), 1)


def words(said: Conversation) -> Gram:
    """Return a text's words in small letters."""
    return tuple(text(said).lower().split())
