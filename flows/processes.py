"""The processes of a night: one process group, recorded, ended with the night or at the start of the next.

Killing dvc leaves its stage alive, and a restart would run a second copy on the same output.
"""

import json
import os
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import psutil

MARK = "RLHF_NIGHT"
GRACE_SECONDS = 10.0
Child = subprocess.Popen[bytes]


class ProcessGroup:
    """The process group of one night, recorded in a file while it lives.

    Its leader is a process that does nothing and ends with the night, so that stages can come and go in the group.
    """

    def __init__(self, record: Path) -> None:
        """Start the leader and write the record."""
        self.id = uuid.uuid4().hex
        self.record = record
        self.leader = subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, process_group=0)
        night = os.getpid()
        content = {"id": self.id, "group": self.leader.pid, "night": night, "night_started": _started(night)}
        record.write_text(json.dumps(content), encoding="utf-8")
        self.is_ended = False

    def start(self, command: list[str], output: IO[bytes], env: Mapping[str, str] | None = None) -> Child:
        """Start a command in the group, its output going to an open file."""
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=environment() | {MARK: self.id} | dict(env or {}),
            process_group=self.leader.pid,
        )

    def end(self) -> None:
        """End whatever still runs in the group, politely first."""
        self.is_ended = True
        end_processes(members(self.leader.pid, self.id))
        if self.leader.stdin:
            self.leader.stdin.close()
        self.leader.wait()
        self.record.unlink(missing_ok=True)

    def interrupt(self) -> None:
        """Ask every process of the group to end, without waiting. Safe in a signal handler."""
        self.is_ended = True
        if self.leader.poll() is None:
            os.killpg(self.leader.pid, signal.SIGTERM)

    def __enter__(self) -> "ProcessGroup":
        return self

    def __exit__(self, *error: object) -> None:
        self.end()


@contextmanager
def ends_on_signal(group: ProcessGroup) -> Iterator[None]:
    """Pass Ctrl-C and SIGTERM on to the night's processes; the night then ends by itself, with its table."""
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread may set handlers
        return
    before = {kind: signal.signal(kind, lambda *_: group.interrupt()) for kind in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for kind, handler in before.items():
            signal.signal(kind, handler)


def environment() -> dict[str, str]:
    """Return this environment with a PATH that begins with the running interpreter's folder.

    Without it a `.venv/bin/rlhf` that was not activated would run stages under another Python.
    """
    folders = [str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)]
    return os.environ | {"PATH": os.pathsep.join(folders)}


def end_leftovers(record: Path) -> int:
    """End what a dead night left running, by its record, and return how many processes that were."""
    if not record.exists():
        return 0
    night: dict[str, Any] = json.loads(record.read_text(encoding="utf-8"))
    if _started(night["night"]) == night["night_started"]:
        return 0  # it lives
    left = members(night["group"], night["id"])
    end_processes(left)
    record.unlink(missing_ok=True)
    return len(left)


def members(group: int, night: str) -> list[psutil.Process]:
    """Return the processes of a night: in its group or out of it, but carrying its mark (numbers are used again)."""
    return [process for process in psutil.process_iter() if process.pid != group and _is_marked(process, night)]


def end_processes(processes: list[psutil.Process]) -> None:
    """Ask processes to end, and kill those that do not."""
    for kind in (psutil.Process.terminate, psutil.Process.kill):
        for process in processes:
            try:
                kind(process)
            except psutil.NoSuchProcess:
                continue
        _, processes = psutil.wait_procs(processes, timeout=GRACE_SECONDS)


def wait(process: Child, group: ProcessGroup) -> int:
    """Wait for a process of the group and return its status; kill it when the group was ended and it stays."""
    asked = None
    while (status := process.poll()) is None:
        if group.is_ended and asked is None:
            asked = time.monotonic()
        if asked is not None and time.monotonic() - asked > GRACE_SECONDS:
            process.kill()
        time.sleep(0.05)
    return status


def _started(pid: int) -> float | None:
    try:
        return psutil.Process(pid).create_time()
    except psutil.NoSuchProcess:
        return None


def _is_marked(process: psutil.Process, night: str) -> bool:
    try:
        return process.environ().get(MARK) == night
    except psutil.Error:
        return False
