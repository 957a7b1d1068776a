"""Tests of what is written for labelling tools."""

import json

import pytest

from rlhf_pipeline.records import read_rows


def test_the_items_are_written_in_every_form_and_told(rlhf, project):
    result = rlhf("export", "--count", "4")
    assert result.exit_code == 0, result.output
    assert "4 items of 2 topics in annotation/pairs-1" in result.output
    names = {path.name for path in (project / "annotation/pairs-1").iterdir()}
    assert names == {"items.jsonl", "label_studio.json", "label_studio.xml", "argilla.jsonl", "lines.jsonl"}


def test_no_form_tells_what_the_ensemble_thinks(exported):
    shown = [path.read_text(encoding="utf-8") for path in exported.iterdir() if path.name != "items.jsonl"]
    assert not [word for text in shown for word in ("margin", "disagreement", "is_failed") if word in text]
    assert all({"id", "prompt", "left", "right"} <= row.keys() for row in read_rows(exported / "argilla.jsonl"))
    assert all(task.keys() == {"data"} for task in json.loads((exported / "label_studio.json").read_text()))


def test_what_was_asked_is_not_asked_again_and_the_end_is_told(rlhf, exported, project):
    again = rlhf("export", "--count", "4")
    assert "2 items of 2 topics (4 asked for; there are no more) in annotation/pairs-2" in again.output
    ids = [row["id"] for path in project.glob("annotation/*/items.jsonl") for row in read_rows(path)]
    assert len(ids) == len(set(ids)) == 6
    last = rlhf("export", "--count", "1")
    assert last.exit_code == 1
    assert "nothing left to ask" in last.output


def test_an_export_is_never_written_over(rlhf, exported):
    result = rlhf("export", "--count", "1", "--name", "pairs-1")
    assert result.exit_code == 2
    assert "give another --name" in result.output


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--count", "1", "--from", "policy"], "no data/policy/model: run a night first"),
        (["--count", "1", "--name", "../out"], "write a plain name"),
        (["--count", "0"], ""),
        (["--count", "1", "--from", "test"], ""),
    ],
)
def test_what_cannot_be_asked_is_a_usage_error(rlhf, project, arguments, complaint):
    result = rlhf("export", *arguments)
    assert result.exit_code == 2
    assert complaint in result.output
    assert not (project / "annotation").exists()


def test_a_choice_that_fails_is_told_with_its_log(rlhf, project):
    (project / "breaks").touch()
    result = rlhf("export", "--count", "1")
    assert result.exit_code == 1
    assert "member 'a' was altered; see logs/annotation.log" in result.output
    assert not (project / "annotation").exists()
