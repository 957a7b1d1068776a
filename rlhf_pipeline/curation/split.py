"""Groups, and the splits that no group crosses."""

import hashlib
from collections.abc import Iterable, Mapping

from rlhf_pipeline.curation.identity import prompt_id
from rlhf_pipeline.methods import suggest
from rlhf_pipeline.mistakes import Mistake
from rlhf_pipeline.records import Row

FEW_GROUPS = 30
PAIR_SPLITS = ("train", "validation", "test", "evaluator")
HELD_OUT = "evaluation_prompts"
"""Groups that give evaluation prompts; their pairs are in no split."""


def with_groups(rows: list[Row], group: str) -> list[Row]:
    """Return rows with their group: the prompt (or what a source calls a group), or the value of a named column.

    Raises:
        Mistake: a row has no such column.
    """
    if group == "prompt":
        return [{"group": prompt_id(row), **row} for row in rows]
    missing = next((row["id"] for row in rows if group not in row), None)
    if missing is not None:
        raise Mistake(
            f"curation.group is '{group}', but row {missing} has no such column; write one that every row has"
        )
    return [{**row, "group": str(row[group])} for row in rows]


def split_rows(rows: list[Row], fractions: Mapping[str, float], seed: int) -> dict[str, list[Row]]:
    """Return the rows of each split, `HELD_OUT` among them.

    A row's own `split` is respected, and the other rows of its group follow it. All other groups go by a hash of seed
    and group, so that new rows move no old ones; where groups are few, by the order of these hashes, for chance would
    leave a split empty. A source that gives evaluator pairs gets no others.

    Raises:
        Mistake: a row's own split is unknown.
    """
    own = {row["group"]: row["split"] for row in reversed(rows) if row.get("split")}
    unknown = sorted(set(own.values()) - {*PAIR_SPLITS})
    if unknown:
        raise Mistake(f"unknown split '{unknown[0]}' in a row.{suggest(str(unknown[0]), list(PAIR_SPLITS))}")
    shares = dict(fractions) | ({"evaluator": 0.0} if "evaluator" in own.values() else {})
    splits: dict[str, list[Row]] = {name: [] for name in (*PAIR_SPLITS, HELD_OUT)}
    free = {row["group"] for row in rows} - own.keys()
    drawn = deal(free, shares, seed) if len(free) < FEW_GROUPS else {g: draw_split(g, shares, seed) for g in free}
    for row in rows:
        name = row.get("split") or own.get(row["group"]) or drawn[row["group"]]
        splits[name].append({key: value for key, value in row.items() if key != "split"})
    return splits


def deal(groups: Iterable[str], fractions: Mapping[str, float], seed: int) -> dict[str, str]:
    """Return the split of each of a few groups: as many as the fraction says, one at least, and the rest is train."""
    ordered = sorted(groups, key=lambda group: draw_place(group, seed))
    counts = {name: max(round(fraction * len(ordered)), 1) for name, fraction in fractions.items() if fraction}
    names = [name for name, count in counts.items() for _ in range(count)][: max(len(ordered) - 1, 0)]
    return dict(zip(ordered, [*names, *["train"] * (len(ordered) - len(names))], strict=True))


def draw_place(group: str, seed: int) -> float:
    """Return a number in [0, 1) that depends on seed and group alone."""
    return int.from_bytes(hashlib.sha256(f"{seed}/{group}".encode()).digest()[:8], "big") / 2**64


def draw_split(group: str, fractions: Mapping[str, float], seed: int) -> str:
    """Return the split of a group; what the fractions leave is train."""
    place = draw_place(group, seed)
    for name, fraction in fractions.items():
        place -= fraction
        if place < 0:
            return name
    return "train"
