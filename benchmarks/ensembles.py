"""What disagreement is worth: `python -m benchmarks.ensembles [--seeds 8] [--jobs 2]` writes docs/ensembles.md.

Every kind of ensemble and every aggregator, measured in the worlds of the claims' fresh seeds, whose members and
samples are shared. Tables hold means over seeds with 95 % t intervals; the last line is one JSON object.
"""

import argparse
import json
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from statistics import mean
from typing import Any

from benchmarks.claims.judging import judge
from benchmarks.claims.parts import ensembles
from benchmarks.claims.running import FRESH
from benchmarks.clone import written_by
from benchmarks.kinds import (
    BEST,
    BY_MARGIN,
    COVERAGE,
    KINDS,
    OPTIMISED,
    POLICIES,
    SINGLE,
    SLICES,
    Measured,
    measure_seed,
)  # fmt: skip
from rlhf_pipeline.validation.report.pictures import CYCLE, figure

PAGE = Path("docs/ensembles.md")
PICTURE = Path("docs/pictures/rejection.png")


def table(seeds: Sequence[Mapping[str, Measured]], columns: Sequence[str], names: Sequence[str]) -> str:
    """Return a table of means with intervals over seeds, a row per name; names hold one bar."""
    lines = ["| ensemble | aggregator | " + " | ".join(columns) + " |", "| --- | --- |" + " --- |" * len(columns)]
    for name in names:
        cells = [cell([seed[name][column] for seed in seeds if column in seed[name]]) for column in columns]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def small_table(seeds: Sequence[Mapping[str, Measured]]) -> str:
    """Return the table of what optimising one weak member or four gives, a row per way."""
    columns = [*OPTIMISED, "gain"]
    lines = ["| optimised by | " + " | ".join(columns) + " |", "| --- |" + " --- |" * len(columns)]
    for way in (BEST, "policy"):
        cells = [cell([seed[POLICIES][f"{way}, {column}"] for seed in seeds]) for column in columns]
        lines.append(f"| {way} | " + " | ".join(cells) + " |")
    return "\n".join([*lines, "", "A sample of the trunk: " + cell([s[POLICIES]["gold of a sample"] for s in seeds])])


def cell(values: Sequence[float]) -> str:
    """Return a mean with its 95 % t interval."""
    if not values:
        return "-"
    effect = judge(values, smallest=1.0)
    return f"{effect.value:.3f} ({effect.low:.3f} to {effect.high:.3f})"


def draw(seeds: Sequence[Mapping[str, Measured]], path: Path) -> None:
    """Draw how many of the least disputed pairs are ordered as gold orders them, in and out of distribution."""

    def on_axes(_: Any, axes: Sequence[Any]) -> None:
        for (where, split), axis in zip(SLICES.items(), axes, strict=True):
            for colour, kind in zip(CYCLE, [k for k in KINDS if k not in SINGLE], strict=False):
                one = f"{kind} | mean"
                right = [mean(seed[one][f"right at {share:.0%}, {where}"] for seed in seeds) for share in COVERAGE]
                axis.plot(COVERAGE, right, color=colour, label=kind)
            axis.set(xlabel="share of pairs kept, least disputed first", title=f"{split} test pairs")
        axes[0].set_ylabel("share ordered as gold orders them")
        axes[0].legend()

    figure(10, 4, len(SLICES), on_axes).savefig(path, dpi=120)


def page(seeds: Mapping[int, Mapping[str, Measured]]) -> str:
    """Return docs/ensembles.md."""
    found = list(seeds.values())
    names = [name for name in found[0] if name != POLICIES]
    by_mean = [name for name in names if name.endswith("| mean")]
    agreement, marks, near = ([f"{name}, {where}" for where in SLICES] for name in ("agreement", "auroc", BY_MARGIN))
    commands = written_by(f"python -m benchmarks.ensembles --seeds {len(seeds)}")
    return f"""# What an ensemble's disagreement is worth

Written by {commands}. Means over {len(seeds)} seeds ({min(seeds)} to {max(seeds)}) that redraw world, data and
training, with 95 % t intervals; [claims.md](claims.md) has the paired effects. `in`: prompts like those in training;
`out`: combinations and templates that training never saw. Gold is the exact reward of the simulated world.

## How often an ensemble orders a pair as gold does, and what optimising it gives

{table(found, [*agreement, BEST], names)}

## Whether members disagree where the ensemble is wrong

The chance that a pair ordered wrongly has the larger disagreement (AUROC; 0.5 is chance), by the mean of the members;
and, beside it, that it has the smaller margin, which one member can tell of itself.

{table(found, [*marks, *near], by_mean)}

![Rejection curves]({PICTURE.relative_to(PAGE.parent)})

Pairs on which the members agree most are kept first: a curve that rises to the left says that disagreement marks
mistakes.

## Whether the best of 64 stands in for a policy

Gold where members trained on {ensembles.WEAK_PAIRS} pairs are optimised, one of them or the mean of all four: by
choosing the best of 64 samples, and by a policy (GRPO at the night's settings). `gain` is paired within the seed.

{small_table(found)}

## What it costs

{table(found, ["seconds per 1,000", "MB"], by_mean)}
"""


def main() -> None:
    """Measure every seed, and write the page and its picture."""
    parser = argparse.ArgumentParser("python -m benchmarks.ensembles", description=__doc__)
    parser.add_argument("--seeds", type=int, default=8)
    parser.add_argument("--jobs", type=int, default=2, help="seeds measured side by side, a core each")
    asked = parser.parse_args()
    chosen = range(FRESH, FRESH + asked.seeds)
    with ProcessPoolExecutor(asked.jobs, get_context("spawn")) as pool:
        seeds = dict(zip(chosen, pool.map(measure_seed, chosen), strict=True))
    PAGE.write_text(page(seeds), encoding="utf-8")
    draw(list(seeds.values()), PICTURE)
    best = {name: mean(s[name][BEST] for s in seeds.values()) for name in seeds[FRESH] if name != POLICIES}
    print(json.dumps({"seeds": len(seeds), "page": str(PAGE), BEST: best}))


if __name__ == "__main__":
    main()
