"""How long a night takes, what its ensemble and policy are worth by gold, and whether equal seeds give equal numbers.

`python -m benchmarks.night --seeds 0 1 2 3 4 --repeat` runs whole nights in a temporary clone of the last
commit. What was measured is kept in .cache/benchmarks/night/<commit>/: an interrupted run goes on where it stopped.

`cold_seconds` is the wall time of the first seed's `rlhf run` on an empty cache; `orchestration_seconds` what of it the
critical path of the stage processes leaves unexplained; `startup_seconds` what all stage processes spent on imports.
"""

import argparse
import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from statistics import mean, median
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks import clone as clones
from rlhf_pipeline.records import read_json

Result = dict[str, Any]
RUN = ("rlhf", "run", "--no-promote")
COLUMNS = {
    "agreement": ("gold_agreement/ensemble",),
    "mean member": ("gold_agreement/member_mean",),
    "contrast": ("contrast_consistency/ensemble/shifted", "contrast_consistency/ensemble"),
    "gap closed": ("gold_gap_closed",),
    "gain low": ("gold_gain_low",),
    "kl": ("kl",),
}
"""The table's columns, each with the metrics that can fill it; the first one present counts."""


class Book:
    """Results by name, measured once per commit."""

    def __init__(self, folder: Path, is_fresh: bool) -> None:
        self.folder = folder
        self.is_fresh = is_fresh

    def once(self, name: str, measure: Callable[[], Result]) -> Result:
        """Return a result: the one kept, or a new one."""
        path = self.folder / f"{name}.json"
        if self.is_fresh or not path.exists():
            clones.remember(path, measure())
        return dict(read_json(path))


class Ground:
    """The clone in which the seeds run, made when the first one is needed."""

    def __init__(self, stack: ExitStack) -> None:
        self.stack = stack
        self.clone: Path | None = None

    def get(self) -> Path:
        """Return the clone."""
        if self.clone is None:
            self.clone = self.stack.enter_context(clones.cloned())
        return self.clone


def measure_seed(clone: Path, seed: int, is_first: bool) -> Result:
    """Run one night and return its metrics, verdicts, times and the hashes of its metrics files.

    A night that a gate refuses is run to its end without enforcement, so that every seed stands in the table.
    """
    timing = clones.run(clone, [*RUN, "--set", f"seed={seed}", "--set", "gate.enforce=true"])
    result: Result = {"seed": seed, "admitted": timing.status == 0, "timing": timing.to_json()}
    if is_first:
        again, by_dvc = (clones.run(clone, command) for command in (RUN, ("dvc", "repro")))
        result |= {"unchanged_seconds": again.seconds, "dvc_unchanged_seconds": by_dvc.seconds}
    if timing.status == clones.REFUSED:
        clones.run(clone, [*RUN, "--set", "gate.enforce=false"])
    return result | {"metrics": clones.read_metrics(clone), "digests": clones.metrics_digests(clone)}


def measure_repeat(seed: int) -> Result:
    """Run a seed again in a clone of its own and return the hashes of its metrics files."""
    with clones.cloned() as clone:
        clones.run(clone, [*RUN, "--set", f"seed={seed}", "--set", "gate.enforce=false"])
        return {"digests": clones.metrics_digests(clone)}


def differing(one: Mapping[str, str], other: Mapping[str, str]) -> list[str]:
    """Return the files whose hashes differ or that only one side has."""
    return sorted(name for name in one.keys() | other.keys() if one.get(name) != other.get(name))


def pick(metrics: Mapping[str, Any], names: Sequence[str]) -> float | None:
    """Return the first of some metrics that is there."""
    return next((float(metrics[name]) for name in names if name in metrics), None)


def has_collapsed(metrics: Mapping[str, Any]) -> bool:
    """Return whether a policy is worse than its reference by gold, or mostly silent; unknown counts as collapsed."""
    return metrics.get("gold_gap_closed", -1.0) < 0 or metrics.get("empty_fraction/policy", 0.0) > 0.5


def summarise(results: Sequence[Result]) -> Result:
    """Return the numbers of the JSON line that hold over seeds and of the first seed's times; None where unmeasured."""
    values = {name: [pick(r["metrics"], keys) for r in results] for name, keys in COLUMNS.items()}
    pairs = zip(values["agreement"], values["mean member"], strict=True)
    gains = [a - b for a, b in pairs if a is not None and b is not None]
    first = results[0]
    return {
        "seeds": [r["seed"] for r in results],
        "cold_seconds": first["timing"]["seconds"],
        "orchestration_seconds": first["timing"]["orchestration_seconds"],
        "startup_seconds": first["timing"]["startup_seconds"],
        "unchanged_seconds": first.get("unchanged_seconds"),
        "dvc_unchanged_seconds": first.get("dvc_unchanged_seconds"),
        "gold_agreement/ensemble": over(mean, values["agreement"]),
        "gold_agreement/member_mean": over(mean, values["mean member"]),
        "gold_agreement/gain": over(mean, gains),
        "contrast_consistency/ensemble": over(mean, values["contrast"]),
        "gold_gap_closed": over(median, values["gap closed"]),
        "gold_gain_low": over(min, values["gain low"]),
        "kl": over(median, values["kl"]),
        "collapsed": sum(has_collapsed(r["metrics"]) for r in results),
        "admitted": sum(r["admitted"] for r in results),
    }


def over(summary: Callable[[list[float]], float], values: Sequence[float | None]) -> float | None:
    """Return a summary of values; None where any is missing, for a mean over the rest would hide it."""
    known = [value for value in values if value is not None]
    return summary(known) if known and len(known) == len(values) else None


def table(results: Sequence[Result]) -> Table:
    """Return one row per seed."""
    drawn = Table("seed", *COLUMNS, "collapsed", "admitted", "seconds", box=None)
    for r in results:
        cells = [pick(r["metrics"], names) for names in COLUMNS.values()]
        shown = ["-" if value is None else f"{value:.3f}" for value in cells]
        is_yes = (has_collapsed(r["metrics"]), r["admitted"])
        drawn.add_row(str(r["seed"]), *shown, *("yes" if y else "no" for y in is_yes), f"{r['timing']['seconds']:.0f}")
    return drawn


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """Return the options."""
    parser = argparse.ArgumentParser("python -m benchmarks.night", description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2, 3, 4])
    parser.add_argument("--repeat", action="store_true", help="run the first seed twice and compare all metrics files")
    parser.add_argument("--quick", action="store_true", help="the first seed alone")
    parser.add_argument("--fresh", action="store_true", help="measure again what is kept")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str]) -> None:
    """Measure what is asked and print the table and, as the last line, one JSON object."""
    asked, console, commit = parse(arguments), Console(), clones.commit()
    if clones.is_dirty():
        console.print("uncommitted changes are not measured: a clone holds the last commit alone")
    book = Book(clones.ROOT / ".cache/benchmarks/night" / commit, asked.fresh)
    seeds = asked.seeds[:1] if asked.quick else asked.seeds
    results = []
    with ExitStack() as stack:
        ground = Ground(stack)
        for n, seed in enumerate(seeds):
            console.print(f"seed {seed}, {n + 1} of {len(seeds)}")
            name = f"first-{seed}" if n == 0 else f"seed-{seed}"
            results.append(book.once(name, lambda s=seed, n=n: measure_seed(ground.get(), s, n == 0)))  # type: ignore[misc]
    found: Result = {"commit": commit, "cpus": os.cpu_count(), **summarise(results)}
    if asked.repeat:
        again = book.once(f"repeat-{seeds[0]}", lambda: measure_repeat(seeds[0]))
        found["differing_files"] = differing(results[0]["digests"], again["digests"])
        found["is_repeatable"] = not found["differing_files"]
    console.print(table(results))
    print(json.dumps(found))


if __name__ == "__main__":
    main(sys.argv[1:])
