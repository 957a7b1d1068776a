"""What is asked and what is answered: an item with a left and a right side, and one person's answer to it."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rlhf_pipeline.methods import MethodError
from rlhf_pipeline.records import Conversation, Row, iterate_rows

LEFT, RIGHT = SIDES = ("left", "right")
CHOICES = (*SIDES, "tie")
FOLDER = Path("annotation")
ITEMS = "items.jsonl"


@dataclass(frozen=True)
class Answer:
    """What one person answered; `choices` holds one value, none where nothing was answered."""

    where: str
    id: str
    annotator: str
    choices: tuple[str, ...]


def is_swapped(id: str) -> bool:
    """Return whether an item shows its second side on the left: by its id, so that a taste for a side averages out."""
    return bool(hashlib.sha256(f"order/{id}".encode()).digest()[0] & 1)


def shown(item: Row) -> dict[str, str]:
    """Return what a person sees of an item: its prompt, left and right, and its id."""
    sides = ("second", "first") if is_swapped(item["id"]) else ("first", "second")
    texts = {place: plain(item[side]) for place, side in zip(SIDES, sides, strict=True)}
    return {"id": item["id"], "prompt": plain(item["prompt"]), **texts}


def check_name(name: str) -> str:
    """Return a name that can be a file's.

    Raises:
        MethodError: it cannot.
    """
    if Path(name).name != name or name.startswith("."):
        raise MethodError(f"--name {name}: write a plain name, such as round-1")
    return name


def plain(conversation: Conversation) -> str:
    """Return a conversation as text; who speaks is told where there is more than one message."""
    if len(conversation) == 1:
        return conversation[0]["content"]
    return "\n\n".join(f"{message['role']}: {message['content']}" for message in conversation)


def read_items(folder: Path = FOLDER) -> dict[str, Row]:
    """Return every item that was exported, by its id."""
    return {row["id"]: row for path in books(folder) for row in iterate_rows(path)}


def books(folder: Path = FOLDER) -> list[Path]:
    """Return the files of exported items."""
    return sorted(folder.glob(f"*/{ITEMS}"))


def lines(rows: Iterable[dict[str, Any]]) -> str:
    """Return rows as JSON lines."""
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def read_objects(path: Path) -> list[Row]:
    """Return the objects of a JSON list or of JSON lines.

    Raises:
        MethodError: the file holds something else; names the line.
    """
    text = path.read_text(encoding="utf-8-sig")
    try:
        found = json.loads(text)
        found = found if isinstance(found, list) else [found]
    except ValueError:
        found = [_line(path, number, line) for number, line in enumerate(text.splitlines(), 1) if line.strip()]
    if not found or not all(isinstance(row, dict) for row in found):
        raise MethodError(f"{path}: holds no list of objects; give the JSON that the labelling tool exports")
    return found


def _line(path: Path, number: int, line: str) -> Any:
    try:
        return json.loads(line)
    except ValueError as error:
        raise MethodError(
            f"{path}:{number}: not JSON: {error}; give the JSON that the labelling tool exports"
        ) from None
