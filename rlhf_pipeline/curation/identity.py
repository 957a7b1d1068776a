"""When two rows are the same: by prompt, by item (prompt and both sides in either order), by judgement."""

from collections import defaultdict
from collections.abc import Hashable, Iterable

from rlhf_pipeline.records import Conversation, Row, hash_text


def text_of(conversation: Conversation) -> str:
    """Return roles and contents of all messages, spaces made one, so that layout alone tells nothing apart."""
    return "\n".join([f"{message['role']}: {' '.join(message['content'].split())}" for message in conversation])


def item(row: Row) -> tuple[str, str, str]:
    """Return what was judged: the prompt and the two sides, in an order that does not tell which won."""
    first, second = sorted((text_of(row["chosen"]), text_of(row["rejected"])))
    return text_of(row["prompt"]), first, second


def prompt_id(row: Row) -> str:
    """Return a short stable id of a row's prompt."""
    return hash_text(text_of(row["prompt"]))


def item_id(row: Row) -> str:
    """Return a short stable id of a row's `item`, for tables of many: their texts would fill the memory again."""
    return hash_text(*item(row))


def is_in_order(row: Row) -> bool:
    """Return which of the two sides of its `item` a row prefers."""
    return text_of(row["chosen"]) <= text_of(row["rejected"])


def judge_of(row: Row) -> Hashable:
    """Return who judged. Rows of different named annotators are votes; rows without a name come from one source."""
    return row.get("annotator")


def duplicates(rows: Iterable[Row]) -> list[tuple[int, Row]]:
    """Return the place of every row that repeats a judgement, and the row that it repeats."""
    firsts: dict[Hashable, Row] = {}
    found = []
    for place, row in enumerate(rows):
        first = firsts.setdefault((item_id(row), is_in_order(row), judge_of(row)), row)
        if first is not row:
            found.append((place, first))
    return found


def contradictions(rows: Iterable[Row]) -> list[list[int]]:
    """Return the places of rows that judge one item both ways, one list for each item and judge."""
    keys = []
    orders: dict[Hashable, bool] = {}
    both_ways = set()
    for row in rows:
        keys.append(key := (item_id(row), judge_of(row)))
        order = is_in_order(row)
        if orders.setdefault(key, order) != order:
            both_ways.add(key)
    places: dict[Hashable, list[int]] = defaultdict(list)
    for place, key in enumerate(keys):
        if key in both_ways:
            places[key].append(place)
    return list(places.values())
