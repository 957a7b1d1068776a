"""Where a bound may lie: `python -m benchmarks.bounds [--seeds 8] [--planted 2] [--jobs 2]`, on development worlds.

For every finding: the ends of the intervals of sound controls, the bound that the least favourable kind of them breaks
with probability 0.05 / B (taken as normal within a kind, B bounds at once), and the planted defects that it catches.
Which findings become bounds is a person's choice from this table; `python -m benchmarks.gates` then measures them on
other worlds. Writes docs/bounds.md. The last line is one JSON object.
"""

import argparse
import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from statistics import NormalDist, fmean, stdev
from typing import Any

import torch

from benchmarks import gates, simulated_judges
from benchmarks.claims.lab import Lab
from benchmarks.claims.parts import audits, ensembles
from benchmarks.claims.sizes import FULL, TOY, Size
from benchmarks.clone import written_by
from benchmarks.deeper_defects import OF_MODELS
from benchmarks.defects import Subject
from benchmarks.gates_page import SCORED
from rlhf_pipeline.models import CheckpointError
from rlhf_pipeline.params import Validation, load_params
from rlhf_pipeline.records import derive_seed
from rlhf_pipeline.validation import audit
from rlhf_pipeline.validation.members import EnsembleError

PAGE = Path("docs/bounds.md")
CHECKS = (
    "accuracy", "contrast", "degenerate", "single_edits", "agreement", "uncertainty", "calibration", "length_bias",
    "sensitivity", "attacks", "surface_bias", "annotators", "spread", "word_bias", "invariance",
    "phrase_gain",
)  # fmt: skip
AT_LEAST = (
    "accuracy/ensemble", "accuracy/ensemble/shifted", "contrast_consistency/ensemble", "contrast_joint/ensemble",
    "instruction_consistency_centred/ensemble", "degenerate_low/ensemble", "single_edit_accuracy/ensemble",
    "agreement/members", "agreement_least/members", "agreement_most/members", "accuracy_shorter_chosen/ensemble",
    "sensitivity/ensemble",
    "order_kept/ensemble", "disagreement_auroc/ensemble", "undisputed_accuracy/ensemble", "length_bias/ensemble",
    "surface_bias/ensemble/length", "surface_bias/ensemble/flattery",
)  # fmt: skip
AT_MOST = (
    "agreement_most/members", "scale_ratio/members", "scale_error/members", "tied/ensemble", "tied_most/members",
    "word_bias/ensemble",
    "words_biased/ensemble", "phrase_gain/ensemble", "phrase_excess/ensemble",
    "annotators_against/ensemble", "attack_beats_chosen/ensemble",
    "attack_beats_rejected/ensemble", "ece/ensemble", "length_bias/ensemble", "surface_bias/ensemble/length",
    "surface_bias/ensemble/flattery", "order_swap_instability/ensemble", "ntr_3/ensemble",
)  # fmt: skip
"""Findings that are looked at, and the side on which a bound would lie."""
LEVEL, NUM_BOUNDS = 0.05, 13
"""Chance that a sound reward breaks any of so many bounds."""
TRIALS, HALVES = 2, 3
"""Of each defect and of each kind of control, by world."""
Row = dict[str, Any]


def measure_seed(seed: int, planted: int, size: Size = FULL, root: Path | None = None) -> list[Row]:
    """Return the intervals of one world's controls, and of its defects too where its seed is below `planted`.

    A judge's control is of a kind of its own.
    """
    torch.set_num_threads(1)
    params = load_params()
    section = params.validation.model_copy(update={"checks": list(CHECKS)})
    params = params.model_copy(update={"validation": section})
    world = gates.World(Lab(seed, size, root) if root else Lab(seed, size), params)
    rows = _controls(world, section)
    for name in [simulated_judges.SOUND, *([*SCORED, *OF_MODELS] if seed < planted else [])]:
        for trial in range(TRIALS):
            number = TRIALS * seed + trial
            found = ends(*world.plant(name, number), section, number)
            is_sound = name == simulated_judges.SOUND
            rows.append({"defect": None if is_sound else name, "kind": name, "seed": seed, "found": found})
    return rows


def _controls(world: gates.World, section: Validation) -> list[Row]:
    rows = []
    for kind in (name for name in gates.KINDS if name != gates.BEYOND):
        raw = world.score(kind, world.planned.table.conversations)
        subjects = {"four": Subject(raw)} | {f"alone {k}": Subject(raw[[k]]) for k in range(len(raw))}
        for name, subject in subjects.items():
            for turn in range(1 + HALVES):
                planned = gates.half(world.planned, derive_seed(turn, kind, name)) if turn else world.planned
                told = f"{kind} {name.split()[0]} {'half' if turn else 'whole'}"
                found = ends(planned, subject, section, turn)
                rows.append({"defect": None, "kind": told, "seed": world.lab.seed, "found": found})
    return rows


def ends(
    planned: audit.Plan, subject: Subject, section: Validation, seed: int
) -> dict[str, tuple[float, float]] | None:
    """Return both ends of each interval that was measured; None where the reward is refused before any check."""
    names = list(ensembles.TRUNKS)[: len(subject.raw)]
    try:
        results = audits.of_subject(planned, subject, names, section, seed)
    except (EnsembleError, CheckpointError):
        return None
    found = {name: interval for name, interval in audit.intervals(results).items() if name in {*AT_LEAST, *AT_MOST}}
    return {name: (own.low, own.high) for name, own in found.items() if own.low is not None and own.high is not None}


def bound_of(rows: Sequence[Row], metric: str, is_least: bool, of: str = "") -> float | None:
    """Return where a bound lies that the least favourable kind of control breaks with probability LEVEL / NUM_BOUNDS.

    Kinds that do not have the word `of` in their names do not count. None where no kind has three measurements.
    """
    by_kind: dict[str, list[float]] = defaultdict(list)
    for row in rows:
        if row["defect"] is None and of in row["kind"] and row["found"] and metric in row["found"]:
            by_kind[row["kind"]].append(row["found"][metric][0 if is_least else 1])
    z = NormalDist().inv_cdf(1 - LEVEL / NUM_BOUNDS)
    reach = [fmean(own) + (-z if is_least else z) * stdev(own) for own in by_kind.values() if len(own) > 2]
    return (min if is_least else max)(reach) if reach else None


def caught(rows: Sequence[Row], metric: str, bound: float, is_least: bool) -> dict[str, float]:
    """Return the share of each defect's trials that break a bound; what is refused before any check counts."""
    trials: dict[str, list[bool]] = defaultdict(list)
    for row in rows:
        if row["defect"] and (row["found"] is None or metric in row["found"]):
            low, high = row["found"][metric] if row["found"] else (-float("inf"), float("inf"))
            trials[row["defect"]].append(low < bound if is_least else high > bound)
    return {name: fmean(own) for name, own in trials.items()}


def table(rows: Sequence[Row]) -> list[Row]:
    """Return a row per finding and side: the bound of all controls with what it catches, and that of four members."""
    sides = [(metric, True) for metric in AT_LEAST] + [(metric, False) for metric in AT_MOST]
    found = []
    for metric, is_least in sides:
        bound = bound_of(rows, metric, is_least)
        if bound is not None:
            told: Row = {"metric": metric, "side": "at_least" if is_least else "at_most", "bound": bound}
            told["night"] = bound_of(rows, metric, is_least, of="four")
            found.append({**told, "caught": caught(rows, metric, bound, is_least)})
    return found


def page(rows: Sequence[Row], written: str) -> str:
    """Return docs/bounds.md."""
    lines = ["| finding | side | bound | a night's | caught always | caught at times |", "| --- |" + " --- |" * 5]
    for row in table(rows):
        always = ", ".join(name for name, share in row["caught"].items() if share == 1)
        partly = ", ".join(f"{name} {share:.0%}" for name, share in row["caught"].items() if 0 < share < 1)
        night = "-" if row["night"] is None else f"{row['night']:.3f}"
        cells = f"`{row['metric']}` | {row['side']} | {row['bound']:.3f} | {night} | {always or '-'} | {partly or '-'}"
        lines.append(f"| {cells} |")
    trials = [row for row in rows if row["defect"]]
    seeds, planted = (sorted({row["seed"] for row in some}) for some in (rows, trials))
    defects = {row["defect"] for row in trials}
    return f"""# Where a bound may lie

Written by {written}; development worlds with seeds {", ".join(map(str, seeds))}, {len(rows) - len(trials)} sound
controls; in {len(planted)} of them {len(trials)} trials of {len(defects)} defects. `bound`: the least favourable kind
of sound control breaks it with probability {LEVEL} / {NUM_BOUNDS}, its intervals' ends taken as normal; `a night's`:
the same of four members alone. Caught is by `bound`. What params.yaml and rlhf_pipeline/validation/bounds.yaml ship was
chosen from this table by a person;
[gates](gates.md) measures it on other worlds.

{chr(10).join(lines)}
"""


def main() -> None:
    """Measure the development worlds, and write the page."""
    parser = argparse.ArgumentParser("python -m benchmarks.bounds", description=__doc__)
    parser.add_argument("--seeds", type=int, default=8, help="development worlds, from seed 0")
    parser.add_argument(
        "--planted", type=int, default=2, help="of them, those in which defects are planted: three times the time"
    )
    parser.add_argument("--jobs", type=int, default=2, help="worlds measured side by side, a core each")
    parser.add_argument("--toy", action="store_true", help="in small worlds, to try it; writes no page")
    asked = parser.parse_args()
    with ProcessPoolExecutor(asked.jobs, get_context("spawn")) as pool:
        parts = pool.map(
            partial(measure_seed, planted=asked.planted, size=TOY if asked.toy else FULL), range(asked.seeds)
        )
        rows = [row for part in parts for row in part]
    if not asked.toy:
        command = f"python -m benchmarks.bounds --seeds {asked.seeds} --planted {asked.planted}"
        PAGE.write_text(page(rows, written_by(command)), encoding="utf-8")
    chosen: Mapping[str, float] = {f"{row['metric']} {row['side']}": round(row["bound"], 3) for row in table(rows)}
    print(json.dumps({"seeds": asked.seeds, "bounds": chosen}))


if __name__ == "__main__":
    main()
