"""Argilla: records for `Dataset.records.log` in, what `Dataset.records.to_json` writes back. As version 2.x has them.

A record is one flat object: `id`, and a value for every field. Its data set needs three fields and one question:

    rg.Settings(
        fields=[rg.TextField(name="prompt"), rg.TextField(name="left"), rg.TextField(name="right")],
        questions=[rg.LabelQuestion(name="better", labels=["left", "right", "tie"])],
    )

The export nests: `{"id", "fields", "responses": {"better": [{"value": "left", "user_id": "…"}]}}`.
"""

from collections.abc import Iterable, Iterator

from flows.annotation.items import Answer, lines, shown
from rlhf_pipeline.records import Row

ANNOTATOR = "user_id"
QUESTION = "better"


def files(items: Iterable[Row]) -> dict[str, str]:
    """Return the records, one a line."""
    return {"argilla.jsonl": lines(shown(item) for item in items)}


def fits(row: Row) -> bool:
    """Return whether an object is an exported record."""
    return isinstance(row.get("responses"), dict) and isinstance(row.get("fields"), dict)


def answers(rows: Iterable[Row], annotator: str | None = None) -> Iterator[Answer]:
    """Yield every response to every record; a record without any answers nothing."""
    for number, row in enumerate(rows, 1):
        where, id = f"record {number}", str(row.get("id"))
        responses = row["responses"].get(QUESTION) or []
        if not responses:
            yield Answer(where, id, "nobody", ())
        for response in responses:
            person, value = response.get(annotator or ANNOTATOR), response.get("value")
            yield Answer(where, id, "" if person is None else str(person), () if value is None else (str(value),))
