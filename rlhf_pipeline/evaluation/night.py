"""Everything a report shows of a night, read from what the stages wrote under data/."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from rlhf_pipeline.evaluation.numbers import Numbers, read_numbers
from rlhf_pipeline.evaluation.stages import Family, present, read_families
from rlhf_pipeline.models import runs_remote_code
from rlhf_pipeline.records import Row, iterate_rows, read_json, read_rows
from rlhf_pipeline.verdicts import Verdict, read_verdict


@dataclass(frozen=True)
class Judged:
    """A stage's verdict and what its gate made of it."""

    stage: str
    verdict: Verdict
    is_gate_open: bool
    is_enforced: bool


@dataclass(frozen=True)
class Night:
    """A night's files in memory; what a night did not reach is empty."""

    families: list[Family]
    reached: set[str]
    judged: list[Judged]
    parameters: Mapping[str, Any]
    metrics: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    audit: Mapping[str, Any] = field(default_factory=dict)
    dropped: list[tuple[str, int, str]] = field(default_factory=list)
    learning: dict[str, list[Numbers]] = field(default_factory=dict)
    trunks: dict[str, list[Numbers]] = field(default_factory=dict)
    trajectory: list[Numbers] = field(default_factory=list)
    curve: list[Numbers] = field(default_factory=list)
    samples: list[Row] = field(default_factory=list)
    remote_code: list[str] = field(default_factory=list)
    """Models made of a checkpoint whose own code was trusted."""


def read_night(root: Path, *, before_gate: str | None = None, parameters: Mapping[str, Any] | None = None) -> Night:
    """Read a night.

    Args:
        root: of the project.
        before_gate: a stage that renders its own report: its outputs count as there, its gate as not yet passed.
        parameters: what to show as parameters; all of params.yaml by default.
    """
    families = read_families(root)
    reached = _reached(root, families, before_gate)
    data = root / "data"
    is_in = reached.__contains__
    return Night(
        families=families,
        reached=reached,
        judged=_judged(data, families, reached),
        parameters=parameters or yaml.safe_load((root / "params.yaml").read_text(encoding="utf-8")),
        metrics={f.name: read_json(data / f.name / "metrics.json") for f in families if _has_metrics(data, f, reached)},
        audit=read_json(data / "validation/audit.json") if is_in("validation") else {},
        dropped=_count_dropped(data) if is_in("curation") else [],
        learning=_read_curves(data / "rewards/curves", families, "rewards") if is_in("rewards") else {},
        trunks=_read_curves(data / "sft/curves", families, "sft") if is_in("sft") else {},
        trajectory=_read_if_there(data / "policy/trajectory.csv") if is_in("policy") else [],
        curve=_read_if_there(data / "evaluation/curve.csv") if is_in("evaluation") else [],
        samples=read_rows(data / "evaluation/samples.jsonl") if is_in("evaluation") else [],
        remote_code=[o for f in families if f.name in reached for o in f.outs if runs_remote_code(root / o)],
    )


def _reached(root: Path, families: list[Family], before_gate: str | None) -> set[str]:
    if before_gate is None:
        return present(root, families)
    found = present(root, families, frozenset({before_gate}))
    return found | {before_gate}


def _judged(data: Path, families: list[Family], reached: set[str]) -> list[Judged]:
    """Return every verdict of the night, in order; a gate's file counts only where the night reached it."""
    found = []
    for family in families:
        stage, gate = family.name, f"gate@{family.name}"
        if stage not in reached or not (data / stage / "verdict.json").exists():
            continue
        passed = read_json(data / "gate" / f"{stage}.json") if gate in reached else None
        is_enforced = bool(passed["enforced"]) if passed else True
        found.append(Judged(stage, read_verdict(data / stage / "verdict.json"), passed is not None, is_enforced))
    return found


def _read_if_there(path: Path) -> list[Numbers]:
    return read_numbers(path) if path.exists() else []


def _has_metrics(data: Path, family: Family, reached: set[str]) -> bool:
    return family.name in reached and (data / family.name / "metrics.json").exists()


def _count_dropped(data: Path) -> list[tuple[str, int, str]]:
    """Return filter, number of rows dropped and the first row's reason, most first."""
    counts: dict[str, int] = {}
    reasons: dict[str, str] = {}
    for path in (data / "curation/dropped.jsonl", data / "denoising/dropped.jsonl"):
        for row in iterate_rows(path) if path.exists() else ():
            name = str(row.get("filter", ""))
            counts[name] = counts.get(name, 0) + 1
            reasons.setdefault(name, str(row.get("reason", "")))
    return sorted(((name, count, reasons[name]) for name, count in counts.items()), key=lambda item: -item[1])


def _read_curves(folder: Path, families: list[Family], name: str) -> dict[str, list[Numbers]]:
    """Return the curves of a family's own stages: a member taken out of params.yaml may have left its file."""
    plots = next(family.plots for family in families if family.name == name)
    paths = [folder / Path(plot).name for plot in plots if Path(plot).parent.name == folder.name]
    curves = {path.stem: read_numbers(path) for path in paths if path.exists()}
    return {name: rows for name, rows in curves.items() if rows}  # that of a ready model has none
