"""Groups, and the splits that no group crosses."""

import hashlib
from collections.abc import Mapping

from rlhf_pipeline.curation.identity import prompt_id
from rlhf_pipeline.records import Row

PAIR_SPLITS = ("train", "validation", "test", "evaluator")
HELD_OUT = "evaluation_prompts"
"""Groups that give evaluation prompts; their pairs are in no split."""


def with_groups(rows: list[Row], group: str) -> list[Row]:
    """Return rows with their group: the prompt (or what a source calls a group), or the value of a named column.

    Raises:
        ValueError: a row has no such column.
    """
    if group == "prompt":
        return [{"group": prompt_id(row), **row} for row in rows]
    missing = next((row["id"] for row in rows if group not in row), None)
    if missing is not None:
        raise ValueError(f"curation.group is '{group}', but row {missing} has no such column")
    return [{**row, "group": str(row[group])} for row in rows]


def split_rows(rows: list[Row], fractions: Mapping[str, float], seed: int) -> dict[str, list[Row]]:
    """Return the rows of each split, `HELD_OUT` among them.

    A row's own `split` is respected, and the other rows of its group follow it. All other groups go by a hash of seed
    and group, so that new rows move no old ones. A source that gives evaluator pairs gets no others.

    Raises:
        ValueError: a row's own split is unknown.
    """
    own = {row["group"]: row["split"] for row in reversed(rows) if row.get("split")}
    unknown = sorted(set(own.values()) - {*PAIR_SPLITS})
    if unknown:
        raise ValueError(f"unknown split '{unknown[0]}' in a row; known: {', '.join(PAIR_SPLITS)}")
    shares = dict(fractions) | ({"evaluator": 0.0} if "evaluator" in own.values() else {})
    splits: dict[str, list[Row]] = {name: [] for name in (*PAIR_SPLITS, HELD_OUT)}
    for row in rows:
        name = row.get("split") or own.get(row["group"]) or draw_split(row["group"], shares, seed)
        splits[name].append({key: value for key, value in row.items() if key != "split"})
    return splits


def draw_split(group: str, fractions: Mapping[str, float], seed: int) -> str:
    """Return the split of a group; what the fractions leave is train."""
    digest = hashlib.sha256(f"{seed}/{group}".encode()).digest()
    place = int.from_bytes(digest[:8], "big") / 2**64
    for name, fraction in fractions.items():
        place -= fraction
        if place < 0:
            return name
    return "train"
