"""How curation grows with its rows, what its filters find of planted defects, and what near-duplicate search costs.

`python -m benchmarks.curation --sizes 10000 100000 1000000` curates generated pairs, each size in a process of its own
so that its peak memory is its own. Seconds are of the processor (all threads of the process), not of the clock: other
work on the machine does not count. Imports are not timed, generating is neither timed nor taken out of the memory.

`exponent` is the slope of log seconds on log rows for `curate` with the contract; `rows_per_second` is of the largest
size; `peak_gb` the largest resident set, in GiB; `dedup_ratio` how many times longer datasketch's own MinHashLSH takes
for the near copies that the filter finds: same rows, permutations, threshold and final exact comparison.
"""

import argparse
import json
import math
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from itertools import takewhile
from statistics import linear_regression, median
from typing import Any
from zlib import crc32

from rich.console import Console
from rich.table import Table

from benchmarks.clone import ROOT
from benchmarks.planted import Planted, generate
from rlhf_pipeline import methods
from rlhf_pipeline.curation.contract import judge_contract
from rlhf_pipeline.curation.curate import curate, filter_steps
from rlhf_pipeline.curation.filtering import filter_rows
from rlhf_pipeline.curation.filters import near_duplicates
from rlhf_pipeline.curation.identity import item, item_id
from rlhf_pipeline.curation.sources import Raw
from rlhf_pipeline.params import Curation, load_params
from rlhf_pipeline.records import Row

Result = dict[str, Any]
WARM_UP_ROWS = 500


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    """Return the processor's seconds for some work, and what it returned."""
    begun = time.process_time()
    done = work()
    return time.process_time() - begun, done


def measure(num_rows: int, seed: int) -> Result:
    """Return seconds and finds of each filter, seconds of the whole path, and this process's peak memory."""
    params = load_params(ROOT / "params.yaml").curation
    curate_all(generate(WARM_UP_ROWS, seed), params, seed)
    planted = generate(num_rows, seed)
    filters = measure_filters(planted, params)
    whole = curate_all(planted, params, seed)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20  # Linux gives KiB
    return {"rows": num_rows, "filters": filters, "whole": whole, "peak_gb": peak}


def measure_filters(planted: Planted, params: Curation) -> Result:
    """Run the filters in their order, each on what the one before kept."""
    rows, results = planted.rows, {}
    for name, step in filter_steps(params):
        seconds, filtered = timed(lambda step=step, rows=rows: step(rows))  # type: ignore[misc]
        results[name] = {
            "seconds": seconds,
            "rows_per_second": len(rows) / seconds,
            "found": len(filtered.dropped),
            "planted": planted.expected.get(name, 0),
        }
        rows = filtered.kept
    return results


def curate_all(planted: Planted, params: Curation, seed: int) -> dict[str, float]:
    """Return the seconds of curation and of its contract."""
    curating, curated = timed(lambda: curate(Raw(planted.rows), params, seed))
    judging, _ = timed(lambda: judge_contract(curated, params.bounds, seed))
    return {"curate": curating, "contract": judging}


def measure_apart(num_rows: int, seed: int) -> Result:
    """Return what `measure` returns in a fresh process.

    Raises:
        CalledProcessError: it failed; its errors stand on the screen.
    """
    command = [sys.executable, "-m", "benchmarks.curation", "--seed", str(seed), "--alone", str(num_rows)]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    return dict(json.loads(done.stdout.splitlines()[-1]))


def measure_dedup(num_rows: int, rounds: int, seed: int) -> Result:
    """Return the median seconds of both ways to find near copies, their ratio, and how many copies each found."""
    curation = load_params(ROOT / "params.yaml").curation
    params = methods.settings(near_duplicates, curation.filter_settings.get("near_duplicates"))
    before = takewhile(lambda step: step[0] != "near_duplicates", filter_steps(curation))
    sound, _ = filter_rows(generate(num_rows, seed).rows, before)
    rows = list({item_id(row): row for row in sound}.values())  # the filter compares items, the plain way rows
    ways = {"plain": lambda: plain_copies(rows, params), "ours": lambda: near_copies(rows, params)}
    measured = {name: [timed(way) for _ in range(rounds)] for name, way in ways.items()}
    seconds = {name: median(second for second, _ in runs) for name, runs in measured.items()}
    found = {name: runs[0][1] for name, runs in measured.items()}
    counts = {f"found_{name}": len(ids) for name, ids in found.items()}
    together = {"found_by_both": len(found["plain"] & found["ours"])}
    return {"rows": len(rows), "ratio": seconds["plain"] / seconds["ours"], **seconds, **counts, **together}


def near_copies(rows: list[Row], params: near_duplicates.Params) -> set[str]:
    """Return the ids of near copies, by the filter."""
    return {row["id"] for row, _ in near_duplicates.apply(rows, params).dropped}


def plain_copies(rows: list[Row], params: near_duplicates.Params) -> set[str]:
    """Return the ids of near copies, by datasketch's MinHashLSH as its documentation uses it, one row after another."""
    from datasketch import MinHash, MinHashLSH

    index = MinHashLSH(threshold=params.threshold - near_duplicates.MARGIN, num_perm=params.num_perm)
    items = [plain_shingles(row, params.shingle_words) for row in rows]
    unions = (list(frozenset().union(*bags)) for bags in items)
    copies = set()
    for place, minhash in enumerate(MinHash.generator(unions, num_perm=params.num_perm, hashfunc=int)):
        near = sorted(index.query(minhash))
        if any(near_duplicates.likeness(items[place], items[other]) >= params.threshold for other in near):
            copies.add(rows[place]["id"])
        else:
            index.insert(place, minhash)
    return copies


def plain_shingles(row: Row, size: int) -> near_duplicates.Bags:
    """Return the hashed word shingles of a prompt and of each side."""
    said = [content.lower().split() for content in item(row)]
    starts = [range(max(len(words) - size, 0) + 1) for words in said]
    return tuple(
        frozenset(crc32(" ".join(words[n : n + size]).encode()) for n in places)
        for words, places in zip(said, starts, strict=True)
    )


def growth(results: Sequence[Result]) -> float | None:
    """Return the slope of log seconds on log rows, over all of curation; None of fewer than two sizes."""
    if len(results) < 2:
        return None
    rows = [math.log(r["rows"]) for r in results]
    return linear_regression(rows, [math.log(sum(r["whole"].values())) for r in results]).slope


def summarise(results: Sequence[Result], dedup: Result) -> Result:
    """Return the numbers of the JSON line."""
    largest = max(results, key=lambda r: r["rows"])
    rates = {name: found["rows_per_second"] for name, found in largest["filters"].items()}
    rates |= {name: largest["rows"] / seconds for name, seconds in largest["whole"].items()}
    return {
        "exponent": growth(results),
        "peak_gb": max(r["peak_gb"] for r in results),
        "rows_per_second": {name: round(rate) for name, rate in rates.items()},
        "dedup_ratio": dedup["ratio"],
        "dedup": dedup,
        "sizes": [r["rows"] for r in results],
        "peak_gb_by_size": [r["peak_gb"] for r in results],
        "cpus": os.cpu_count(),
    }


def table(results: Sequence[Result]) -> Table:
    """Return one row per filter, and per part of the whole, with rows per second at each size and what was found."""
    sizes = [f"{r['rows']:,} rows" for r in results]
    drawn = Table("rows per second", *sizes, "found / planted", box=None)
    for name, last in results[-1]["filters"].items():
        rates = [f"{r['filters'][name]['rows_per_second']:,.0f}" for r in results]
        drawn.add_row(name, *rates, f"{last['found']:,} / {last['planted']:,}")
    for name in results[-1]["whole"]:
        drawn.add_row(name, *(f"{r['rows'] / r['whole'][name]:,.0f}" for r in results), "")
    drawn.add_row("peak, GiB", *(f"{r['peak_gb']:.2f}" for r in results), "")
    return drawn


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """Return the options."""
    parser = argparse.ArgumentParser("python -m benchmarks.curation", description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--dedup-rows", type=int, default=20_000, help="for the comparison with datasketch")
    parser.add_argument("--dedup-rounds", type=int, default=5, help="of which the median counts")
    parser.add_argument("--alone", type=int, help="measure this size in this process and print its figures")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str]) -> None:
    """Measure what is asked and print the table and, as the last line, one JSON object."""
    asked = parse(arguments)
    if asked.alone:
        print(json.dumps(measure(asked.alone, asked.seed)))
        return
    # The sizes first: a process begins with the peak of the one that started it.
    results = [measure_apart(size, asked.seed) for size in sorted(asked.sizes)]
    dedup = measure_dedup(asked.dedup_rows, asked.dedup_rounds, asked.seed)
    Console().print(table(results))
    print(json.dumps(summarise(results, dedup)))


if __name__ == "__main__":
    main(sys.argv[1:])
