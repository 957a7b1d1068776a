"""One stage: run by DVC in the night's process group, and what became of it."""

import re
import subprocess
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from flows.graph import Stage
from flows.inputs import changed, forget, snapshot
from flows.processes import ProcessGroup, environment, wait
from rlhf_pipeline.records import read_json

# What `dvc repro --single-item` prints when it did not run the command.
UNCHANGED = re.compile(r"^Stage '.*' didn't change, skipping", re.MULTILINE)
RESTORED = re.compile(r"^Stage '.*' is cached - skipping run", re.MULTILINE)
DVC_SAYS = ("ERROR: failed to reproduce", "Running stage '", "> ")
REASON = re.compile(r"^(refused: .*)$", re.MULTILINE)
# Training makes and frees many tensors of medium size. By default glibc gives that memory back each time and takes it
# again page by page: a sixth of the time of scoring.
MEMORY = {"MALLOC_MMAP_THRESHOLD_": "1000000000", "MALLOC_TRIM_THRESHOLD_": "4000000000"}


class State(StrEnum):
    """What became of a stage."""

    COMPLETED = "Completed"
    UNCHANGED = "Unchanged"
    RESTORED = "Restored"
    REFUSED = "Refused"
    FAILED = "Failed"
    NOT_RUN = "Not run"


@dataclass(frozen=True)
class Outcome:
    """A stage's state, its wall seconds, and the reason where it was refused or failed."""

    state: State
    seconds: float = 0.0
    reason: str = ""

    @property
    def is_good(self) -> bool:
        """Return whether what follows may run."""
        return self.state in (State.COMPLETED, State.UNCHANGED, State.RESTORED)


def worst(outcomes: Iterable[Outcome]) -> State:
    """Return the state that decides about a whole night: what was not run and was not refused was broken off."""
    states = {outcome.state for outcome in outcomes}
    if State.FAILED in states:
        return State.FAILED
    if State.REFUSED in states:
        return State.REFUSED
    return State.FAILED if State.NOT_RUN in states else State.COMPLETED


def log_path(logs: Path, name: str) -> Path:
    """Return the file that holds a stage's output."""
    return logs / f"{name}.log"


def resources(threads: int) -> dict[str, str]:
    """Return the environment of a process that has so many threads to itself."""
    return {**MEMORY, "OMP_NUM_THREADS": str(threads), "TOKENIZERS_PARALLELISM": "false"}


def run_stage(
    stage: Stage, group: ProcessGroup, logs: Path, env: dict[str, str] | None = None, threads: int = 1
) -> Outcome:
    """Run a stage that may be stale and say what became of it."""
    begun = time.monotonic()
    before = snapshot(stage)
    log = log_path(logs, stage.name)
    with open(log, "wb") as output:
        command = [sys.executable, "-m", "dvc", "--wait-for-lock", "repro", "--single-item", stage.name]
        status = wait(group.start(command, output, {**(env or {}), **resources(threads)}), group)
    text = log.read_text(encoding="utf-8", errors="replace")
    state, reason = _judge(stage, status, text)
    edited = changed(before, snapshot(stage)) if state is State.COMPLETED else []
    if edited:
        forget(stage.name)
        shown = ", ".join(edited[:3]) + (" …" if len(edited) > 3 else "")
        state, reason = State.FAILED, f"written while the stage ran: {shown}; run again"
    if group.is_ended:
        state, reason = State.FAILED, "the night was ended"
    return Outcome(state, time.monotonic() - begun, reason)


def _judge(stage: Stage, status: int, text: str) -> tuple[State, str]:
    if status == 0:
        reused = {State.UNCHANGED: UNCHANGED, State.RESTORED: RESTORED}
        return next((state for state, said in reused.items() if said.search(text)), State.COMPLETED), ""
    refusal = REASON.findall(text)
    if stage.verdict_read and refusal and not read_json(stage.verdict_read)["admitted"]:
        return State.REFUSED, refusal[-1]
    return State.FAILED, _last_words(text)


def _last_words(text: str) -> str:
    """Return the last line that the stage itself wrote, past DVC's own."""
    lines = [line.strip() for line in re.split(r"[\r\n]+", text) if line.strip()]
    own = [line for line in lines if not line.startswith(DVC_SAYS)]
    return (own or lines or ["no output"])[-1][:400]


def run_tool(module: str, *arguments: str, group: ProcessGroup | None, log: Path) -> int:
    """Run a module of this project as a process, its output going to a log, and return its status."""
    command = [sys.executable, "-m", module, *arguments]
    log.parent.mkdir(exist_ok=True)
    with open(log, "wb") as output:
        if group:
            return wait(group.start(command, output), group)
        return subprocess.call(command, stdout=output, stderr=subprocess.STDOUT, env=environment())
