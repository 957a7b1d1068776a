"""Drop rows that are no pair: missing, empty or wrongly typed parts, equal sides, no user's prompt."""

from typing import Any

from pydantic import Field

from rlhf_pipeline.curation.filters import Filtered, sift
from rlhf_pipeline.methods import MethodParams
from rlhf_pipeline.records import Row, text

PARTS = ("prompt", "chosen", "rejected")


class Params(MethodParams):
    """What counts as usable."""

    allow_empty_rejected: bool = Field(False, description="keep pairs whose rejected side is empty text")


def apply(rows: list[Row], params: Params) -> Filtered:
    """Drop what cannot be used as a pair."""
    return sift(rows, lambda _, row: unusable(row, params))


def unusable(row: Row, params: Params) -> str | None:
    """Return why a row is no usable pair, or None."""
    for part in PARTS:
        if wrong := wrong_type(row.get(part)):
            return f"{part} {wrong}"
    return empty_part(row, params) or wrong_roles(row) or equal_sides(row)


def wrong_type(value: Any) -> str | None:
    """Return why a value is no conversation, or None."""
    if value is None:
        return "is missing"
    if not isinstance(value, list) or not value:
        return f"is no conversation: {type(value).__name__}"
    texts = [m.get(key) if isinstance(m, dict) else None for m in value for key in ("role", "content")]
    return None if all(isinstance(part, str) for part in texts) else "holds something that is no message"


def empty_part(row: Row, params: Params) -> str | None:
    """Return which part says nothing, or None; every message of a prompt must say something."""
    if not all(message["content"].strip() for message in row["prompt"]):
        return "prompt has an empty message"
    sides = PARTS[1:2] if params.allow_empty_rejected else PARTS[1:]
    return next((f"{side} is empty" for side in sides if not text(row[side]).strip()), None)


def wrong_roles(row: Row) -> str | None:
    """Return whose turn is out of place, or None."""
    if row["prompt"][-1]["role"] != "user":
        return "prompt does not end with a user's message"
    sides = [side for side in PARTS[1:] if row[side][0]["role"] != "assistant"]
    return f"{sides[0]} is not the assistant's" if sides else None


def equal_sides(row: Row) -> str | None:
    """Return that nothing tells the sides apart, or None."""
    return "sides are equal" if text(row["chosen"]).split() == text(row["rejected"]).split() else None
