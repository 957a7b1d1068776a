"""Mistakes of the machine and around it: disk, memory, packages, git, ports, Python, and Ctrl-C at any second.

Permissions do not bind root, under which tests may run: a read-only disk is told by the error that it gives, and a
folder that cannot be made by a file in its place. A full disk is real: what is written goes to `/dev/full`.
"""

import errno
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

import pytest
import torch
from safetensors import SafetensorError

from tests.mistakes.table import CURATED, Make, Mistake, assign, both, cases, check, contents, hold, nothing, put, stage

PATCH = pytest.MonkeyPatch()
ROOT = Path(__file__).parents[2]
TRUNK, METRICS = "data/sft/trunks/second", "data/sft/metrics/second.json"


@pytest.fixture(autouse=True)
def undone() -> Iterator[None]:
    """Take back what a row patched."""
    yield
    PATCH.undo()


def full(path: str) -> Make:
    """Return what lets a file be written to a full disk."""

    def make(project: Path) -> None:
        (project / path).parent.mkdir(parents=True, exist_ok=True)
        (project / path).symlink_to("/dev/full")

    return make


def raising(target: str, error: BaseException) -> Make:
    """Return what lets a function raise."""

    def fail(*_: Any, **__: Any) -> NoReturn:
        raise error

    return lambda project: PATCH.setattr(target, fail)


def replaced(target: str, function: Any) -> Make:
    """Return what puts a function in another's place."""
    return lambda project: PATCH.setattr(target, function)


def no_git(project: Path) -> None:
    shutil.rmtree(project / ".git")


def no_project(project: Path) -> None:
    (project / "dvc.yaml").unlink()


def another_night(project: Path) -> None:
    from filelock import FileLock

    cache = project / ".dvc/cache"
    cache.mkdir(exist_ok=True)
    PATCH.setattr(sys.modules[__name__], "HELD", FileLock(cache / "night.lock"))
    HELD.acquire()


HELD: Any = None
READ_ONLY = OSError(errno.EROFS, "Read-only file system", "data/curation/train.jsonl")
DENIED = PermissionError(errno.EACCES, "Permission denied", "data/curation/train.jsonl")
CUDA = torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.\nGPU 0 has a total capacity of 1 GiB")
FULL = "Error while serializing: I/O error: No space left on device (os error 28)"  # as a small tmpfs gave it
ABSENT = replaced("rlhf_pipeline.adapters.find_spec", lambda name: None)

ROWS = [
    Mistake(
        "disk full at the first file",
        full("data/curation/.train.jsonl.part"),
        "curation",
        1,
        ("error: data/curation/train.jsonl: no space left on the disk", "free some"),
        absent=CURATED,
    ),
    Mistake(
        "disk full at the last file",
        full("data/curation/.metrics.json.part"),
        "curation",
        1,
        ("error: data/curation/metrics.json: no space left on the disk", "run again"),
        whole=CURATED[:2],
        absent=CURATED[2:],
    ),
    Mistake(
        "disk full at the weights",
        raising("transformers.PreTrainedModel.save_pretrained", SafetensorError(FULL)),
        "sft second",
        1,
        (f"error: {TRUNK}: no space left on the disk", "free some"),
        absent=(TRUNK, METRICS),
    ),
    Mistake(
        "disk full at the tokenizer",
        raising(
            "transformers.PreTrainedTokenizerFast.save_pretrained",
            OSError(errno.ENOSPC, "No space left on device", "tokenizer.json"),
        ),
        "sft second",
        1,
        ("error: tokenizer.json: no space left on the disk",),
        absent=(TRUNK, METRICS),
    ),
    Mistake(
        "read-only data folder",
        raising("rlhf_pipeline.records.write_rows", READ_ONLY),
        "curation",
        1,
        ("error: data/curation/train.jsonl: the file system is read-only", "mount it for writing"),
        absent=CURATED,
    ),
    Mistake(
        "data folder of another user",
        raising("rlhf_pipeline.records.os.replace", DENIED),
        "curation",
        1,
        ("error: data/curation/train.jsonl: not allowed", "give yourself the right"),
        absent=CURATED,
    ),
    Mistake(
        "file where a folder should be",
        put("data/sft/metrics", "x"),
        "sft second",
        1,
        ("error: data/sft/metrics: a file is where a folder should be", "move it away"),
        absent=(METRICS,),
    ),
    Mistake(
        "too little memory for a trunk",
        replaced("rlhf_pipeline.models.create_model", lambda *_: torch.empty(1 << 50)),
        "sft second",
        1,
        ("error: too little memory; lower sft.settings.rows_at_once or max_length", "gradient_checkpointing: true"),
        absent=(TRUNK, METRICS),
    ),
    Mistake(
        "too little memory on the GPU",
        raising("rlhf_pipeline.models.load_policy", CUDA),
        "policy",
        1,
        ("error: too little memory; lower policy.settings.rows_at_once or max_length",),
        absent=("data/policy",),
    ),
    Mistake(
        "too little memory for the data",
        raising("rlhf_pipeline.curation.curate.filter_rows", MemoryError()),
        "curation",
        1,
        ("error: too little memory; lower curation.settings.max_rows of the source hub",),
        absent=CURATED,
    ),
    Mistake(
        "missing package for four bits",
        both(ABSENT, assign("sft.settings.lora", {"four_bit": True})),
        "sft second",
        1,
        ("error: lora.four_bit needs bitsandbytes, which is not installed", "pip install -e '.[gpu]'"),
        absent=(TRUNK,),
    ),
    Mistake(
        "missing package for generation",
        both(ABSENT, assign("policy.settings.vllm", {})),
        "policy",
        1,
        ("error: policy.settings.vllm needs vllm, which is not installed", "docs/operating.md"),
        absent=("data/policy",),
    ),
    Mistake("no git repository", no_git, "rlhf run", 2, ("error: ", "git", "git init")),
    Mistake("outside a project", no_project, "rlhf run", 2, ("error: no dvc.yaml in", "run this inside the project")),
    Mistake("two nights at once", another_night, "rlhf run", 1, ("error: another night runs", "wait for it or end it")),
    Mistake(
        "interrupted while it reads",
        raising("rlhf_pipeline.curation.curate.filter_rows", KeyboardInterrupt()),
        "curation",
        130,
        ("error: interrupted; run again",),
        absent=CURATED,
    ),
    Mistake(
        "interrupted while it writes",
        raising("rlhf_pipeline.records.os.replace", KeyboardInterrupt()),
        "curation",
        130,
        ("error: interrupted; run again",),
        absent=CURATED,
    ),
    Mistake(
        "interrupted while it saves a model",
        raising("transformers.PreTrainedTokenizerFast.save_pretrained", KeyboardInterrupt()),
        "sft second",
        130,
        ("error: interrupted; run again",),
        absent=(TRUNK, METRICS),
    ),
    Mistake(
        "interrupted command",
        raising("flows.checking.check", KeyboardInterrupt()),
        "rlhf data check mine.jsonl",
        130,
        ("interrupted",),
    ),
]


@cases(ROWS)
def test_a_mistake_around_the_project_is_told(row: Mistake, project: Path, capfd: pytest.CaptureFixture[str]) -> None:
    check(row, project, capfd)


def test_a_bug_keeps_its_traceback(project: Path, capfd: pytest.CaptureFixture[str]) -> None:
    raising("rlhf_pipeline.curation.curate.filter_rows", KeyError("a bug"))(project)
    ended = stage("curation", capfd)
    assert (ended.code, "Traceback" in ended.printed) == (1, True)


@contextmanager
def served(*_: Any) -> Iterator[str]:
    yield "address"


def test_a_port_in_use_is_named_with_the_one_that_is_taken(project: Path, capfd: pytest.CaptureFixture[str]) -> None:
    from flows import servers

    def interrupt() -> NoReturn:
        raise KeyboardInterrupt

    for target, stub in {"mlflow_server": served, "prefect_server": served, "wait_until_up": lambda *_: None}.items():
        PATCH.setattr(servers, target, stub)
    PATCH.setattr(servers.signal, "pause", interrupt)
    with socket.socket() as holder:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        holder.bind((servers.HOST, 0))
        taken = holder.getsockname()[1]
        assert servers.port_near(taken, "MLflow") != taken
    assert f"port {taken} is in use: MLflow takes " in capfd.readouterr().out
    servers.show(project / "logs")
    assert "both ended" in capfd.readouterr().out


@pytest.mark.parametrize("given", [None, "old"])
def test_an_old_python_is_refused_before_anything_is_made(tmp_path: Path, given: str | None) -> None:
    for name in ("Makefile", "constraints.txt", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path / name)
    for name in ("python", "python3", "python3.11", "python3.12", "python3.13", "old"):
        (tmp_path / name).write_text("#!/bin/sh\nexit 1\n")  # as an old one answers the question for its version
        (tmp_path / name).chmod(0o755)
    make = shutil.which("make")
    assert make
    env = {"PATH": f"{tmp_path}:/bin", **({"PYTHON": given} if given else {})}
    done = subprocess.run([make, "run"], cwd=tmp_path, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert f"{given or 'python3'}: Python 3.11 or later is needed; set PYTHON=/path/to/python3.11" in done.stderr
    assert not (tmp_path / ".venv").exists()


@pytest.mark.slow
@pytest.mark.parametrize("seconds", [0.5, 1.5, 2.5, 3.5])
def test_a_real_interrupt_leaves_nothing_half_written(project: Path, seconds: float) -> None:
    before = contents(project)
    env = os.environ | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "tasks.curation"]
    # A shell starts what it puts behind with SIGINT ignored, and children inherit that.
    listen = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
    with subprocess.Popen(
        command, cwd=project, env=env, stderr=subprocess.PIPE, text=True, preexec_fn=listen
    ) as process:
        time.sleep(seconds)
        process.send_signal(signal.SIGINT)
        printed = process.communicate()[1]
    row = Mistake("interrupted", nothing, "curation", process.returncode, ())
    assert process.returncode in (0, 130, -signal.SIGINT)
    hold(
        row,
        type("Ended", (), {"code": process.returncode, "printed": printed.replace("Traceback", "")}),
        project,
        before,
    )
