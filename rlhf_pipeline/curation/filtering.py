"""Filters in their order, with the books kept: what came in is kept or dropped, and nothing else."""

from collections import Counter
from collections.abc import Callable, Iterable

from rlhf_pipeline.curation.filters import Filtered
from rlhf_pipeline.records import Row

Step = tuple[str, Callable[[list[Row]], Filtered]]


def dropped_row(name: str, row: Row, reason: str) -> Row:
    """Return a row of dropped.jsonl."""
    return {"id": row["id"], "filter": name, "reason": reason, "row": row}


def filter_rows(rows: list[Row], steps: Iterable[Step]) -> tuple[list[Row], list[Row]]:
    """Run filters one after the other; return rows kept, and rows of dropped.jsonl.

    Raises:
        RuntimeError: a filter lost, made or renamed a row.
    """
    kept, dropped = rows, []
    for name, apply in steps:
        filtered = apply(kept)
        check_books(name, kept, filtered)
        kept = filtered.kept
        dropped += [dropped_row(name, row, reason) for row, reason in filtered.dropped]
    return kept, dropped


def check_books(name: str, read: list[Row], filtered: Filtered) -> None:
    """Check that kept and dropped together are what was read, by id.

    Raises:
        RuntimeError: they are not.
    """
    came = Counter(str(row["id"]) for row in read)
    went = Counter(str(row["id"]) for row in [*filtered.kept, *(row for row, _ in filtered.dropped)])
    if came != went:
        lost, made = (came - went).total(), (went - came).total()
        raise RuntimeError(
            f"filter {name}: {lost} rows lost and {made} made of {len(read)}; kept + dropped must be read"
        )
