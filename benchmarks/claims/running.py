"""Running claims: tune both arms on development seeds, then measure them on fresh ones, a process per seed."""

import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from datetime import date
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from statistics import mean
from typing import Any

from benchmarks.claims import catalogue
from benchmarks.claims.book import BOOK, Arm, Book, Measurement
from benchmarks.claims.catalogue import Entry
from benchmarks.claims.judging import Effect, judge
from benchmarks.claims.lab import ROOT, Lab
from benchmarks.claims.sizes import FULL, Size
from benchmarks.clone import commit

DEVELOPMENT, FRESH, CONFIRMATION = 0, 100, 200
"""First seeds: to tune on, to decide on, and to confirm on what was decided."""
NUM_TUNING = 3


def arms(entry: Entry) -> dict[Arm, Sequence[dict[str, Any]]]:
    """Return the settings to try of each arm; one arm only where the effect is measured against zero."""
    grids: dict[Arm, Sequence[dict[str, Any]]] = {
        "without": [dict(s) for s in entry.claim.without],
        "with": [dict(s) for s in entry.claim.with_],
    }
    return {arm: grid for arm, grid in grids.items() if grid}


def chosen(entry: Entry, book: Book) -> dict[Arm, dict[str, Any]]:
    """Return each arm's settings: the only ones, or those that were best on the development seeds.

    An arm that was not tuned yet is missing.
    """
    found: dict[Arm, dict[str, Any]] = {}
    sign = 1 if entry.claim.higher_is_better else -1
    for arm, grid in arms(entry).items():
        means = [_tuned_mean(entry, book, arm, settings) for settings in grid]
        if len(grid) == 1:
            found[arm] = grid[0]
        elif None not in means:
            found[arm] = max(zip(means, grid, strict=True), key=lambda pair: sign * float(pair[0] or 0))[1]
    return found


def effects(entry: Entry, book: Book, first_seed: int = FRESH) -> dict[int, float]:
    """Return the paired effect of every measured seed from `first_seed` on, positive in the direction claimed."""
    settings = chosen(entry, book)
    if set(settings) != set(arms(entry)):
        return {}
    sign, found = (1 if entry.claim.higher_is_better else -1), {}
    for seed in range(first_seed, first_seed + 100):
        measured = {arm: book.find(entry.name, entry.key, seed, arm, settings[arm]) for arm in settings}
        values = {arm: m.value for arm, m in measured.items() if m is not None}
        if len(values) == len(settings):
            found[seed] = sign * (values["with"] - values.get("without", 0.0))
    return found


def last_measured(entry: Entry, book: Book, first_seed: int = FRESH) -> Entry:
    """Return a claim as it was measured last: filed under an older key where its files have changed since."""
    keys = [entry.key, *(key for key in book.keys(entry.name) if key != entry.key)]
    under = (entry if key == entry.key else replace(entry, stale_key=key) for key in keys)
    return next((one for one in under if effects(one, book, first_seed)), entry)


def verdict(entry: Entry, book: Book, first_seed: int = FRESH) -> Effect:
    """Return what a claim's seeds show, before the family's false discovery rate."""
    return judge(list(effects(entry, book, first_seed).values()), entry.claim.smallest)


@dataclass(frozen=True)
class Place:
    """Where claims stand and where what they make and measure goes."""

    claims: Path = catalogue.FOLDER
    parts: Path = ROOT
    book: Path = BOOK


HERE = Place()


def run(entries: Sequence[Entry], seeds: Sequence[int], jobs: int = 1, size: Size = FULL, place: Place = HERE) -> None:
    """Measure claims that are not in the book yet: those that need it are tuned first."""
    tuned = tuple(e.name for e in entries if any(len(grid) > 1 for grid in arms(e).values()))
    tuning_seeds = range(DEVELOPMENT, DEVELOPMENT + NUM_TUNING)
    every = tuple(e.name for e in entries)
    for those, at, grids in ((tuned, tuning_seeds, True), (every, seeds, False)):
        work = partial(measure_seed, those, grids=grids, size=size, place=place)
        if not those:
            continue
        if jobs == 1:
            list(map(work, at))
        else:
            with ProcessPoolExecutor(jobs, get_context("spawn")) as pool:
                list(pool.map(work, at))


def measure_seed(names: tuple[str, ...], seed: int, *, grids: bool, size: Size, place: Place) -> None:
    """Measure claims in one seed, on one thread; whole grids, or the chosen settings."""
    import torch

    torch.set_num_threads(1)
    written, lab = Book(place.book), Lab(seed, size, place.parts)
    for entry in catalogue.read(names, folder=place.claims):
        wanted = arms(entry) if grids else {arm: [settings] for arm, settings in chosen(entry, written).items()}
        for arm, settings in ((arm, s) for arm, grid in wanted.items() for s in grid):
            if written.find(entry.name, entry.key, seed, arm, settings) is None:
                written.add(_measure(entry, lab, arm, settings))


def _measure(entry: Entry, lab: Lab, arm: Arm, settings: dict[str, Any]) -> Measurement:
    begun = time.monotonic()
    value = entry.measure(lab, settings)
    seconds = round(time.monotonic() - begun, 1)
    print(f"{entry.name}: seed {lab.seed}, {arm} {settings or ''}: {value:.4f} in {seconds} s", flush=True)
    return Measurement(
        entry.name, entry.key, lab.seed, arm, settings, value, seconds, date.today().isoformat(), commit()
    )


def _tuned_mean(entry: Entry, book: Book, arm: Arm, settings: dict[str, Any]) -> float | None:
    seeds = range(DEVELOPMENT, DEVELOPMENT + NUM_TUNING)
    found = [book.find(entry.name, entry.key, seed, arm, settings) for seed in seeds]
    return mean(m.value for m in found if m) if all(found) else None
