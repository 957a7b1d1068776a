"""The pairs of a user that an audit reads on its own: any form that curation reads, a part set aside for the scales."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rlhf_pipeline import methods
from rlhf_pipeline.curation import derive
from rlhf_pipeline.curation.filtering import filter_rows
from rlhf_pipeline.curation.inspection import join, read_files, recognise_all
from rlhf_pipeline.curation.sources._files import find_files
from rlhf_pipeline.curation.split import split_rows, with_groups
from rlhf_pipeline.mistakes import Mistake
from rlhf_pipeline.records import Row, derive_seed
from rlhf_pipeline.validation.items import Fits

FILTERS = ("usable", "contradictions", "exact_duplicates")
SCALE_FRACTION = 0.25
"""Share of the prompts whose pairs give the members' scales and the temperature; all others are audited."""


@dataclass(frozen=True)
class Pairs:
    """The user's pairs as an audit reads them, and what is to be told of them."""

    validation: list[Row]
    test: list[Row]
    contrast: list[Row]
    notes: list[str]


def read_pairs(paths: Sequence[Path], fits: Fits, seed: int) -> Pairs:
    """Read pairs in any form that `rlhf data check` reads; leave out what cannot be used, and say so.

    Args:
        paths: files or folders, all of one form.
        fits: whether the models can read a conversation whole, as `context_length.fits_all` gives it.
        seed: of what is set aside for the scales.

    Raises:
        Mistake: no pair is left, or too few to set some aside.
    """
    files = list(dict.fromkeys(file for path in paths for file in find_files(path)))
    raw = join(read_files(files, recognise_all(files)).values())
    rows, dropped = filter_rows(raw.pairs, [(name, _filter(name)) for name in FILTERS])
    chosen, rejected = (fits([row["prompt"] + row[side] for row in rows]) for side in ("chosen", "rejected"))
    kept = [row for row, *both in zip(rows, chosen, rejected, strict=True) if all(both)]
    reasons = ["unreadable" for _ in raw.unreadable] + [f"{row['filter']}: {row['reason']}" for row in dropped]
    reasons += ["longer than a model's context"] * (len(rows) - len(kept))
    notes = [f"{count} pairs left out: {why}" for why, count in Counter(map(_kind, reasons)).most_common()]
    # What a file calls its splits is not ours: every pair that is not set aside is audited.
    grouped = with_groups([{key: value for key, value in row.items() if key != "split"} for row in kept], "prompt")
    splits = split_rows(grouped, {"validation": SCALE_FRACTION}, derive_seed(seed, "audit", "split"))
    if not splits["validation"] or not splits["train"]:
        raise Mistake(f"{files[0]}: {len(kept)} usable pairs are too few to audit anything; name more pairs")
    return Pairs(splits["validation"], splits["train"], derive.contrast(grouped), notes)


def _kind(reason: str) -> str:
    return ": ".join(reason.split(": ")[:2])


def _filter(name: str) -> Any:
    method = methods.load("curation/filters", name)
    settings = methods.settings(method)
    return lambda rows: method.apply(rows, params=settings)
