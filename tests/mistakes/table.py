"""The shape of a row of the tables of mistakes, how a mistake is made, and how what comes of it is held against it."""

import runpy
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from rlhf_pipeline.records import read_json

Make = Callable[[Path], Any]
CURATED = ("data/curation/train.jsonl", "data/curation/verdict.json", "data/curation/metrics.json")


@dataclass(frozen=True)
class Mistake:
    """A mistake, what is run after it, and what must come of it."""

    name: str
    make: Make
    run: str
    """`rlhf …`, or a stage as its command in dvc.yaml ends: `curation`, `sft first`."""
    code: int
    says: tuple[str, ...]
    """Words of the last line: what, where, what to do instead."""
    absent: tuple[str, ...] = ()
    whole: tuple[str, ...] = ()
    told: tuple[str, str] = ("", "")
    """A file, and words that it must hold."""


@dataclass(frozen=True)
class Ended:
    """How a run ended: its exit code and what it printed."""

    code: int
    printed: str


def cases(rows: list[Mistake]) -> Any:
    """Return the decorator that runs a test once for each row."""
    return pytest.mark.parametrize("row", rows, ids=[row.name for row in rows])


def check(row: Mistake, project: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Make the mistake, run what the row says, and hold the end against the row."""
    row.make(project)
    before = contents(project)
    capfd.readouterr()
    ended = command(row.run.removeprefix("rlhf ").split()) if row.run.startswith("rlhf ") else stage(row.run, capfd)
    hold(row, ended, project, before)


def hold(row: Mistake, ended: Ended, project: Path, before: dict[Path, bytes]) -> None:
    """Hold exit code, last line and files against the row; whatever else was written must be whole."""
    assert ended.code == row.code, ended.printed
    assert "Traceback" not in ended.printed
    last = (ended.printed.strip().splitlines() or [""])[-1]
    assert [words for words in row.says if words not in last] == [], last
    assert [name for name in row.absent if (project / name).exists()] == []
    assert [name for name in row.whole if not (project / name).exists()] == []
    assert list(project.rglob("*.part")) == []
    for path, content in contents(project).items():
        if content != before.get(path):
            assert_whole(path)
    name, words = row.told
    assert words in ((project / name).read_text(encoding="utf-8") if name else ""), name


def contents(project: Path) -> dict[Path, bytes]:
    """Return the bytes of every file under data/ and of params.yaml."""
    return {p: p.read_bytes() for p in [project / "params.yaml", *(project / "data").rglob("*")] if p.is_file()}


def assert_whole(path: Path) -> None:
    """Fail where a file ends in the middle."""
    if path.suffix == ".json":
        read_json(path)
    elif path.suffix in (".jsonl", ".csv", ".yaml"):
        assert path.read_bytes()[-1:] in (b"\n", b""), f"{path} ends within a line"


def command(arguments: list[str]) -> Ended:
    """Run `rlhf` in this process."""
    from flows.cli import app

    result = CliRunner().invoke(app, arguments)
    is_bug = result.exception is not None and not isinstance(result.exception, SystemExit)
    broken = "".join(traceback.format_exception(result.exception)) if is_bug else ""
    return Ended(result.exit_code, result.output + broken)


def stage(words: str, capfd: pytest.CaptureFixture[str]) -> Ended:
    """Run a stage in this process as `python -m tasks.<stage>` does."""
    task, *arguments = words.split()
    given, sys.argv = sys.argv, [task, *arguments]
    try:
        runpy.run_module(f"tasks.{task}", run_name="__main__")
        code: Any = 0
        said = ""
    except SystemExit as ending:
        code, said = (ending.code, "") if isinstance(ending.code, int | None) else (1, str(ending.code))
    except BaseException:
        code, said = 1, traceback.format_exc()
    finally:
        sys.argv = given
    return Ended(code or 0, capfd.readouterr().err + said)


# How mistakes are made.


def put(name: str, text: str | bytes) -> Make:
    """Return what writes a file."""

    def make(project: Path) -> None:
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).write_bytes(text if isinstance(text, bytes) else text.encode())

    return make


def assign(key: str, value: Any) -> Make:
    """Return what writes one value into params.yaml, as an editor would: unchecked."""

    def make(project: Path) -> None:
        content = yaml.safe_load((project / "params.yaml").read_text())
        *parts, last = key.split(".")
        section = content
        for part in parts:
            section = section.setdefault(part, {})
        section[last] = value
        (project / "params.yaml").write_text(yaml.safe_dump(content, sort_keys=False))

    return make


def both(*makes: Make) -> Make:
    """Return what makes several things, one after the other."""
    return lambda project: [make(project) for make in makes]


def nothing(project: Path) -> None:
    """Make no mistake: it is in the command."""
