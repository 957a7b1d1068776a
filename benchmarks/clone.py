"""A temporary clone of the last commit in which whole nights run and are timed, apart from the user's own work."""

import hashlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any

from rlhf_pipeline.records import read_json, read_rows

ROOT = Path(__file__).resolve().parents[1]
CLOCK = "benchmarks/stage_clock"
REFUSED = 3


@dataclass(frozen=True)
class Run:
    """One stage process: when it began and ended (seconds since the epoch), and its seconds of imports."""

    stage: str
    begun: float
    ended: float
    import_seconds: float


@dataclass(frozen=True)
class Timing:
    """One command in a clone: wall seconds, exit status, and the stage processes that it ran."""

    seconds: float
    status: int
    stages: tuple[Run, ...]

    @property
    def orchestration_seconds(self) -> float:
        """Return the wall seconds that the critical path of the stage processes does not explain."""
        return self.seconds - critical_path(self.stages)

    @property
    def startup_seconds(self) -> float:
        """Return the seconds that all stage processes spent on imports, summed."""
        return sum(run.import_seconds for run in self.stages)

    def to_json(self) -> dict[str, Any]:
        """Return what is kept of it."""
        ends = {"orchestration_seconds": self.orchestration_seconds, "startup_seconds": self.startup_seconds}
        return asdict(self) | ends


class NightError(RuntimeError):
    """A command in the clone failed; the message ends with its last lines."""


def critical_path(runs: Sequence[Run]) -> float:
    """Return the greatest sum of seconds over runs of which each began when the one before had ended.

    A scheduler that costs nothing starts each stage at the end of another, the one it reads from or the one whose core
    it takes; such a chain then covers the whole wall time, however few the cores are.
    """
    ordered = sorted(runs, key=lambda run: run.ended)
    longest: list[float] = []
    for run in ordered:
        before = [total for total, other in zip(longest, ordered, strict=False) if other.ended <= run.begun]
        longest.append(max(before, default=0.0) + run.ended - run.begun)
    return max(longest, default=0.0)


def commit(repository: Path = ROOT) -> str:
    """Return the hash of the last commit."""
    return _git(repository, "rev-parse", "HEAD")


def written_by(command: str) -> str:
    """Return what a page says of its origin: the command, today's date and the last commit."""
    return f"`{command}`, {date.today()}, commit `{commit()[:7]}`"


def is_dirty(repository: Path = ROOT) -> bool:
    """Return whether tracked files differ from the last commit, so that a clone would not hold them."""
    return bool(_git(repository, "status", "--porcelain", "--untracked-files=no"))


@contextmanager
def cloned(repository: Path = ROOT) -> Iterator[Path]:
    """Yield a clone of the last commit with an empty cache; it is removed at the end."""
    with tempfile.TemporaryDirectory(prefix="night-") as folder:
        clone = Path(folder) / "clone"
        _git(repository, "clone", "--quiet", str(repository), str(clone))
        yield clone


def run(clone: Path, command: Sequence[str], allowed: Sequence[int] = (0, REFUSED)) -> Timing:
    """Run a command of this environment in a clone and time it and its stages.

    Raises:
        NightError: it ended with a status that is not allowed.
    """
    clock = clone.parent / "stages.jsonl"
    clock.unlink(missing_ok=True)
    begun = time.perf_counter()
    program = [str(Path(sys.executable).parent / command[0]), *command[1:]]
    done = subprocess.run(
        program, cwd=clone, env=_environment(clone, clock), capture_output=True, text=True, stdin=subprocess.DEVNULL
    )
    seconds = time.perf_counter() - begun
    if done.returncode not in allowed:
        raise NightError(f"{' '.join(command)}: status {done.returncode}\n{(done.stdout + done.stderr)[-3000:]}")
    rows = read_rows(clock) if clock.exists() else []
    return Timing(seconds, done.returncode, tuple(Run(**row) for row in rows))


def read_metrics(clone: Path) -> dict[str, Any]:
    """Return the metrics of validation and evaluation and whether their verdicts admit, as far as the night came."""
    found: dict[str, Any] = {}
    for stage in ("curation", "validation", "evaluation"):
        metrics, verdict = (clone / "data" / stage / name for name in ("metrics.json", "verdict.json"))
        if stage != "curation" and metrics.exists():
            found |= read_json(metrics)
        if verdict.exists():
            found[f"admitted/{stage}"] = read_json(verdict)["admitted"]
    return found


def metrics_digests(clone: Path) -> dict[str, str]:
    """Return a hash of the bytes of every metrics file of a night."""
    files = [*clone.glob("data/**/metrics.json"), *clone.glob("data/*/metrics/*.json")]
    return {str(f.relative_to(clone)): hashlib.sha256(f.read_bytes()).hexdigest() for f in sorted(files)}


def remember(path: Path, value: Mapping[str, Any]) -> None:
    """Write a result so that an interrupted benchmark never leaves half of one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    partial.write_text(json.dumps(value, indent=2) + "\n", encoding="utf-8")
    partial.replace(path)


def _environment(clone: Path, clock: Path) -> dict[str, str]:
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
    code = os.pathsep.join([str(clone / CLOCK), str(clone)])  # before the installed package, which is another tree
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("RLHF_", "MLFLOW_", "PREFECT_"))}
    return kept | {"PATH": path, "PYTHONPATH": code, "RLHF_STAGE_CLOCK": str(clock)}


def _git(repository: Path, *arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=repository, capture_output=True, text=True, check=True)
    return done.stdout.strip()
