import time
from pathlib import Path

import pytest

from flows.graph import Graph
from flows.inputs import changed, snapshot


def test_nothing_written_is_nothing_changed(graph: Graph) -> None:
    stage = graph.stages["rewards@a"]
    assert changed(snapshot(stage), snapshot(stage)) == []


@pytest.mark.parametrize(
    ("path", "text"), [("code/loss.py", "loss = 2\n"), ("code/deep/new.py", ""), ("code/loss.py", None)]
)
def test_a_file_that_is_written_added_or_removed_is_named(graph: Graph, path: str, text: str | None) -> None:
    stage = graph.stages["rewards@a"]
    before = snapshot(stage)
    Path(path).parent.mkdir(exist_ok=True)
    if text is None:
        Path(path).unlink()
    else:
        Path(path).write_text(text)
    assert changed(before, snapshot(stage)) == [path]


def test_a_change_that_is_taken_back_is_noticed(graph: Graph) -> None:
    stage = graph.stages["rewards@a"]
    before = snapshot(stage)
    time.sleep(0.02)
    Path("code/loss.py").write_text("loss = 2\n")
    Path("code/loss.py").write_text("loss = 1\n")
    assert changed(before, snapshot(stage)) == ["code/loss.py"]


def test_compiled_code_and_other_members_do_not_matter(graph: Graph) -> None:
    stage = graph.stages["rewards@a"]
    before = snapshot(stage)
    Path("code/__pycache__").mkdir()
    Path("code/__pycache__/loss.pyc").touch()
    Path("params.yaml").write_text(Path("params.yaml").read_text().replace("trunk: second", "trunk: judge"))
    assert changed(before, snapshot(stage)) == []
    assert changed(before, snapshot(graph.stages["rewards@b"])) != []
