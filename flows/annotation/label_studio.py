"""Label Studio: JSON tasks and a labelling configuration in, its JSON export back. As version 1.x has them.

A task is `{"data": {…}}`. In the export it has `annotations`, each with `completed_by` and a `result` of regions: of
`Pairwise`, `{"type": "pairwise", "value": {"selected": "left"}}`; of `Choices`, `{"type": "choices", "value":
{"choices": ["tie"]}}`. The configuration asks with `Choices`, for `Pairwise` knows no tie; both are read.
"""

import json
from collections.abc import Iterable, Iterator
from typing import Any

from flows.annotation.items import Answer, shown
from rlhf_pipeline.records import Row

ANNOTATOR = "completed_by"
CONFIGURATION = """<View>
  <Header value="Prompt"/>
  <Text name="prompt" value="$prompt"/>
  <View style="display: flex; gap: 2em">
    <View style="flex: 50%"><Header value="Left"/><Text name="left" value="$left"/></View>
    <View style="flex: 50%"><Header value="Right"/><Text name="right" value="$right"/></View>
  </View>
  <Header value="Which is the better reply?"/>
  <Choices name="better" toName="prompt" choice="single-radio" required="true" showInline="true">
    <Choice value="left"/>
    <Choice value="right"/>
    <Choice value="tie"/>
  </Choices>
</View>
"""


def files(items: Iterable[Row]) -> dict[str, str]:
    """Return the tasks, and the configuration that shows them."""
    tasks = json.dumps([{"data": shown(item)} for item in items], indent=1, ensure_ascii=False) + "\n"
    return {"label_studio.json": tasks, "label_studio.xml": CONFIGURATION}


def fits(row: Row) -> bool:
    """Return whether an object is an exported task."""
    return isinstance(row.get("data"), dict) and isinstance(row.get("annotations"), list)


def answers(rows: Iterable[Row], annotator: str | None = None) -> Iterator[Answer]:
    """Yield every annotation of every task; one that was skipped answers nothing, as does a task without any."""
    for number, row in enumerate(rows, 1):
        where, id = f"task {number}", str(row["data"].get("id"))
        if not row["annotations"]:
            yield Answer(where, id, "nobody", ())
        for annotation in row["annotations"]:
            regions = [] if annotation.get("was_cancelled") else annotation.get("result") or []
            chosen = tuple(value for region in regions for value in _values(region.get("value") or {}))
            yield Answer(where, id, _person(annotation.get(annotator or ANNOTATOR)), chosen)


def _values(value: dict[str, Any]) -> list[str]:
    return [
        str(choice) for choice in [*([value["selected"]] if "selected" in value else []), *value.get("choices", ())]
    ]


def _person(value: Any) -> str:
    """Return who a value names: an id, or a user with an e-mail address and an id."""
    if isinstance(value, dict):
        value = value.get("email") or value.get("id")
    return "" if value is None else str(value)
