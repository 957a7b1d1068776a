"""A suite of benchmarks: read, entered in the audit's table with everything else, and measured on its rewards."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from torch import Tensor

from rlhf_pipeline import methods
from rlhf_pipeline.mistakes import Mistake
from rlhf_pipeline.records import derive_seed
from rlhf_pipeline.validation.benchmarks import Item, Read, _hub
from rlhf_pipeline.validation.checks import Finding, Result
from rlhf_pipeline.validation.items import Fits, Table, everything_fits
from rlhf_pipeline.verdicts import exactly

BENCHMARKS = "validation/benchmarks"
NUM_REASONS = 3


@dataclass(frozen=True)
class Entered:
    """A benchmark as it was read, and where its completions stand in the table."""

    method: ModuleType
    params: Any
    read: Read
    items: Sequence[Item]
    """Those of the items that every scorer can read whole."""
    rows: Sequence[Sequence[int]]
    """The rows of the table, [n_i] for item i."""

    @property
    def too_long(self) -> list[str]:
        """Return the ids of the items that are not asked, for a scorer cannot read them whole."""
        kept = {id(item) for item in self.items}
        return [item.id for item in self.read.items if id(item) not in kept]


Planned = Mapping[str, Entered]


def enter(
    folders: Mapping[str, Path],
    settings: Mapping[str, Mapping[str, Any]],
    table: Table,
    fits: Fits = everything_fits,
) -> dict[str, Entered]:
    """Read the benchmarks and enter all their completions in the table.

    Args:
        folders: where the files of each benchmark are, by the benchmark's name: a folder, or `organisation/name@commit`
            of the hub.
        settings: of each, where they differ from the defaults.
        table: of the audit; completions are ordinary ones and count towards the baseline of their prompt.
        fits: as in `Inputs`; an item with a conversation that does not fit is not asked, nor are others of its unit.

    Raises:
        MethodError: a benchmark or one of its settings does not exist, or settings are given for one not chosen.
        Mistake: a folder or the benchmark's file in it is missing, or no row of it can be used.
    """
    for name in set(settings) - set(folders):
        raise methods.MethodError(
            f"settings for benchmark '{name}', which is not in the suite.{methods.suggest(name, list(folders))}"
        )
    return {name: _enter(name, Path(folder), settings.get(name), table, fits) for name, folder in folders.items()}


def measure(planned: Planned, raw: Tensor, seed: int) -> dict[str, Result]:
    """Return what each benchmark finds, and how many rows of its files were left out.

    Args:
        planned: from `enter`.
        raw: [T] rewards of the table: of one scorer as it gives them, or joint of an ensemble; nothing is centred.
        seed: of all resampling.

    Raises:
        Mistake: a reward that a benchmark needs is not finite; names the item.
    """
    return {name: _measure(name, entered, raw, derive_seed(seed, "suite", name)) for name, entered in planned.items()}


def describe(planned: Planned) -> dict[str, dict[str, Any]]:
    """Return for the report what was read of each benchmark, left out of it, and found and handled in it."""
    return {
        name: {
            "num_items": len(entered.items),
            "settings": entered.params.model_dump(),
            "left_out": [{"file": row.file, "row": row.row, "why": row.why} for row in entered.read.left_out],
            "too_long": entered.too_long,
            "notes": list(entered.read.notes),
        }
        for name, entered in planned.items()
    }


def _enter(name: str, folder: Path, overrides: Mapping[str, Any] | None, table: Table, fits: Fits) -> Entered:
    method = methods.load(BENCHMARKS, name)
    params = methods.settings(method, overrides)
    folder = _hub.resolve(folder)
    if not folder.exists():
        raise Mistake(f"{folder}: there is no such folder; write where the files of benchmark '{name}' are")
    found: Read = method.read(folder, params)
    items = _fitting(found.items, fits)
    return Entered(method, params, found, items, [_add(item, table) for item in items])


def _fitting(items: Sequence[Item], fits: Fits) -> list[Item]:
    """Return the items of which every conversation fits, in them and in the others of their unit."""
    texts = [(item.unit, [*item.prompt, *completion]) for item in items for completion in item.completions]
    fit = fits([conversation for _, conversation in texts])
    too_long = {unit for (unit, _), is_fit in zip(texts, fit, strict=True) if not is_fit}
    return [item for item in items if item.unit not in too_long]


def _add(item: Item, table: Table) -> list[int]:
    return [table.add(list(item.prompt), list(completion)) for completion in item.completions]


def _measure(name: str, entered: Entered, raw: Tensor, seed: int) -> Result:
    items, rewards = entered.items, [raw[list(rows)] for rows in entered.rows]
    for item, own in zip(items, rewards, strict=True):
        if not bool(torch.isfinite(own).all()):
            raise Mistake(f"benchmark {name}: a reward of item '{item.id}' is not finite; score it again")
    result: Result = entered.method.measure(items, rewards, entered.params, seed)
    return Result([*result.findings, _left_out(name, entered)], result.worst, result.rows)


def _left_out(name: str, entered: Entered) -> Finding:
    count, num_long = len(entered.read.left_out), len(entered.too_long)
    reasons = sorted({row.why for row in entered.read.left_out})
    shown = [*reasons[:NUM_REASONS], *(["…"] if len(reasons) > NUM_REASONS else [])]
    note = "; ".join([*([f"{num_long} longer than a model's context"] if num_long else []), *shown])
    description = "Rows of the benchmark's files that could not be used as they stand, and items that are too long."
    return Finding(f"{name}/left_out", exactly(count + num_long, note), count + len(entered.read.items), description)
