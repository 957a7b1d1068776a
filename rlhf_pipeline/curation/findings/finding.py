"""One thing found in data as read, and the rows of files as every measure walks them."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from rlhf_pipeline.curation.identity import text_of
from rlhf_pipeline.curation.sources import Raw
from rlhf_pipeline.records import Row

SIDES = ("chosen", "rejected")
LEVEL = 0.05  # of all data without a fault, the share in which any estimate may be told
MANY = 20  # rows, below which a share says little


@dataclass(frozen=True)
class Finding:
    """One thing found: its name, a number, the ids of rows that show it (file and row), and words.

    `chance` is None for a count. For an estimate it is how often chance alone gives as much; 1 where it is too small
    to tell.
    """

    name: str
    value: float
    words: str
    rows: list[str] = field(default_factory=list)
    chance: float | None = None


RawByFile = Mapping[Path, Raw]


def pairs_of(raw_by_file: RawByFile) -> list[Row]:
    """Return the pairs of all files."""
    return [row for raw in raw_by_file.values() for row in raw.pairs]


def labels_of(raw_by_file: RawByFile) -> Iterator[tuple[Path, Row]]:
    """Yield each labelled row with its file."""
    return ((file, row) for file, raw in raw_by_file.items() for row in raw.labels)


def judgements_of(raw_by_file: RawByFile) -> list[Row]:
    """Return the judgements as they were read: labels where there are any, else pairs."""
    return [row for _, row in labels_of(raw_by_file)] or pairs_of(raw_by_file)


def by_item(raw: Raw) -> dict[tuple[str, str], list[Row]]:
    """Return a file's labelled rows by prompt and completion."""
    found: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in raw.labels:
        found[text_of(row["prompt"]), text_of(row["completion"])].append(row)
    return found
