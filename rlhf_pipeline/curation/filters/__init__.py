"""Methods: what is dropped from the pairs, and why.

Each holds `Params` and `apply(rows: list[Row], params: Params) -> Filtered`. A reason is `kind` or `kind: detail`.
"""

from collections.abc import Callable
from dataclasses import dataclass

from rlhf_pipeline.records import Row


@dataclass
class Filtered:
    """Rows kept, in order, and rows dropped, each with its reason. Together they are the rows that came in."""

    kept: list[Row]
    dropped: list[tuple[Row, str]]


def sift(rows: list[Row], reason: Callable[[int, Row], str | None]) -> Filtered:
    """Drop every row for which there is a reason; `reason` gets the row's place and the row."""
    filtered = Filtered([], [])
    for place, row in enumerate(rows):
        why = reason(place, row)
        if why is None:
            filtered.kept.append(row)
        else:
            filtered.dropped.append((row, why))
    return filtered
