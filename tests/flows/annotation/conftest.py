"""A project with exported items, and a function that runs the command in it."""

import json

import pytest
import yaml
from typer.testing import CliRunner

from flows.annotation import exporting
from flows.annotation.items import is_swapped
from flows.cli import app
from rlhf_pipeline.records import assistant, user, write_rows

# Stands for the choice, which needs models: it writes the items that the test laid out, less those asked before.
TOY = """
import argparse, json, pathlib
parser = argparse.ArgumentParser()
for name in ("--source", "--count", "--pool", "--out"):
    parser.add_argument(name)
parser.add_argument("--asked", action="append", default=[])
told = parser.parse_args()
assert not pathlib.Path("breaks").exists(), "member 'a' was altered"
asked = {json.loads(line)["id"] for path in told.asked for line in open(path)}
rows = [line for line in open("offered.jsonl") if json.loads(line)["id"] not in asked]
pathlib.Path(told.out).parent.mkdir(exist_ok=True)
open(told.out, "w").writelines(rows[: int(told.count)])
"""


def item(number: int) -> dict:
    sides = {"first": assistant(f"first {number}"), "second": assistant(f"second {number}")}
    known = {"topic": number % 2, "disagreement": 0.4, "margin": -0.1, "is_failed": 0}
    return {"id": f"item{number}", "prompt": user(f"ask {number}"), **sides, "group": f"g{number}",
            "asked_from": "pairs", **known}  # fmt: skip


@pytest.fixture
def project(root, tmp_path, monkeypatch):
    """Return a project in which a night has run, as far as files tell; it is the current folder."""
    content = yaml.safe_load((root / "params.yaml").read_text(encoding="utf-8"))
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(content), encoding="utf-8")
    (tmp_path / "dvc.yaml").touch()
    (tmp_path / "toy_choice.py").write_text(TOY, encoding="utf-8")
    write_rows(tmp_path / "offered.jsonl", [item(number) for number in range(6)])
    for needed in exporting.NEEDED["pairs"]:
        (tmp_path / needed).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / needed).touch()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(exporting, "MODULE", "toy_choice")
    return tmp_path


@pytest.fixture
def rlhf(project):
    """Return a function that runs a command: `rlhf("annotate", "import", file)`."""
    return lambda *arguments: CliRunner().invoke(app, ["annotate", *map(str, arguments)])


@pytest.fixture
def exported(rlhf, project):
    """Return the folder of four exported items."""
    assert rlhf("export", "--count", "4").exit_code == 0
    return project / "annotation/pairs-1"


@pytest.fixture
def answer(project):
    """Return a function that writes a file of answers, one JSON object a line."""

    def write(*rows: dict, name: str = "answers.jsonl"):
        (project / name).write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        return project / name

    return write


@pytest.fixture
def side_of():
    """Return a function that tells where an item shows a side: `side_of("item0", "first")` is left or right."""
    return lambda id, side: "left" if (side == "second") is is_swapped(id) else "right"
