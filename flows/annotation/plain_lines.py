"""JSON lines without a tool: `answer` and `annotator` are filled in by hand or by a script, a line per answer."""

from collections.abc import Iterable, Iterator

from flows.annotation.items import Answer, lines, shown
from rlhf_pipeline.records import Row

ANNOTATOR = "annotator"
BLANK = {"answer": None, ANNOTATOR: None}


def files(items: Iterable[Row]) -> dict[str, str]:
    """Return the items, one a line, with room for an answer."""
    return {"lines.jsonl": lines({**shown(item), **BLANK} for item in items)}


def fits(row: Row) -> bool:
    """Return whether an object is such a line."""
    return {"id", "answer"} <= row.keys()


def answers(rows: Iterable[Row], annotator: str | None = None) -> Iterator[Answer]:
    """Yield the answer of every line."""
    for number, row in enumerate(rows, 1):
        person, value = row.get(annotator or ANNOTATOR), row.get("answer")
        name = "" if person is None else str(person)
        yield Answer(f"line {number}", str(row["id"]), name, () if value in (None, "") else (str(value),))
