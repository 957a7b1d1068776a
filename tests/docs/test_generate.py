"""The generated pages are what the code says now, and a page that is not is refused."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

from rlhf_pipeline import methods

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def generate():
    spec = importlib.util.spec_from_file_location("docs_generate", ROOT / "docs/generate.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_pages_are_up_to_date():
    command = [sys.executable, "docs/generate.py", "--check"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, ""), done.stdout + done.stderr


def test_every_method_has_its_row():
    page = (ROOT / "docs/methods.md").read_text(encoding="utf-8")
    known = [f"rlhf_pipeline/{folder}/{name}.py" for folder in methods.folders() for name in methods.names(folder)]
    assert known
    assert [path for path in known if f"](../{path})" not in page] == []


def test_a_page_out_of_date_is_named_and_refused(generate, monkeypatch, capsys, tmp_path):
    page = tmp_path / "methods.md"
    page.write_text("old")
    monkeypatch.setattr(generate, "ROOT", tmp_path)
    monkeypatch.setattr(generate, "pages", lambda: {page: "new"})
    monkeypatch.setattr(sys, "argv", ["generate.py", "--check"])
    assert generate.main() == 1
    assert page.read_text() == "old"
    assert "methods.md: out of date" in capsys.readouterr().out
    monkeypatch.setattr(sys, "argv", ["generate.py"])
    assert (generate.main(), page.read_text()) == (0, "new")


def test_the_picture_has_every_stage_and_each_gate_stands_before_what_it_guards(generate, graph):
    picture = generate.stages_picture()
    assert {stage.task for stage in graph.values()} - {"gate"} == set(_boxes(picture, "["))
    assert "gate_validation --> policy" in picture
    assert "validation --> gate_validation" in picture


def test_a_bar_in_a_cell_does_not_break_the_table(generate):
    folder = next(folder for folder in methods.folders() if methods.names(folder))
    entry = generate.catalogue.Entry(methods.names(folder)[0], "a | b", "arXiv:2310.02743")
    row = generate.method_row(folder, entry)
    assert "| a \\| b |" in row
    assert "[2310.02743](https://arxiv.org/abs/2310.02743)" in row


def _boxes(picture, bracket):
    lines = [line.strip() for line in picture.splitlines()]
    return [line.partition(bracket)[0] for line in lines if f'{bracket}"' in line and "-->" not in line]
