"""Round trips: what a form gave out, answered as its tool answers, comes back as the labels meant."""

import json
from xml.etree import ElementTree

import pytest

from flows.annotation import argilla, label_studio
from flows.annotation.items import CHOICES
from rlhf_pipeline.records import read_rows, text


def label_studio_export(exported, answers):
    tasks = json.loads((exported / "label_studio.json").read_text(encoding="utf-8"))
    people = [{"id": 1, "email": "ann@x"}, 2]
    for number, task in enumerate(tasks):
        side = answers[task["data"]["id"]]
        forms = ({"type": "pairwise", "value": {"selected": side}}, {"type": "choices", "value": {"choices": [side]}})
        task["annotations"] = [
            {"completed_by": people[number % 2], "was_cancelled": False, "result": [forms[number % 2]]}
        ]
    return json.dumps(tasks)


def argilla_export(exported, answers):
    records = [
        {
            "id": row.pop("id"),
            "fields": row,
            "metadata": {},
            "status": "completed",
            "responses": {"better": [{"value": answers[id], "user_id": ("ann@x", "2")[number % 2]}]},
        }
        for number, row in enumerate(read_rows(exported / "argilla.jsonl"))
        for id in [row["id"]]
    ]
    return json.dumps(records)


def lines_export(exported, answers):
    rows = read_rows(exported / "lines.jsonl")
    filled = [row | {"answer": answers[row["id"]], "annotator": ("ann@x", 2)[n % 2]} for n, row in enumerate(rows)]
    return "\n".join(map(json.dumps, filled))


@pytest.mark.parametrize("answer_in", [label_studio_export, argilla_export, lines_export])
def test_an_export_that_was_answered_comes_back_as_meant(rlhf, exported, project, side_of, answer_in):
    wanted = {f"item{n}": ("first", "second")[n // 2] for n in range(4)}
    answers = {id: side_of(id, side) for id, side in wanted.items()}
    assert len(set(answers.values())) == 2
    (project / "done.json").write_text(answer_in(exported, answers), encoding="utf-8")
    result = rlhf("import", project / "done.json")
    assert result.exit_code == 0, result.output
    found = {row["item"]: row for row in read_rows(project / "data/raw/annotations/done.jsonl")}
    assert {id: text(row["chosen"]).split()[0] for id, row in found.items()} == wanted
    assert {row["annotator"] for row in found.values()} == {"ann@x", "2"}


def test_the_configuration_shows_what_a_task_holds_and_asks_for_the_choices(exported):
    tree = ElementTree.fromstring((exported / "label_studio.xml").read_text(encoding="utf-8"))
    shown = {node.get("value").removeprefix("$") for node in tree.iter("Text")}
    task = json.loads((exported / "label_studio.json").read_text(encoding="utf-8"))[0]["data"]
    assert shown == task.keys() - {"id"}
    assert tuple(node.get("value") for node in tree.iter("Choice")) == CHOICES


def test_a_skipped_or_unanswered_task_answers_nothing_and_two_marks_are_two_answers():
    both = [{"value": {"selected": "left"}}, {"value": {"choices": ["tie"]}}]
    task = {"data": {"id": "a"}, "annotations": [
        {"completed_by": 1, "was_cancelled": True, "result": both}, {"completed_by": 2, "result": both}]}  # fmt: skip
    found = list(label_studio.answers([task, {"data": {"id": "b"}, "annotations": []}]))
    assert [answer.choices for answer in found] == [(), ("left", "tie"), ()]
    assert [answer.annotator for answer in found] == ["1", "2", "nobody"]


def test_two_marks_of_one_annotation_are_refused(rlhf, exported, answer):
    result = [{"value": {"selected": "left"}}, {"value": {"choices": ["tie"]}}]
    task = {"data": {"id": "item0"}, "annotations": [{"completed_by": 1, "result": result}]}
    told = rlhf("import", answer(task))
    assert told.exit_code == 3
    assert "task 1: two answers at once, left and tie: keep one" in told.output


def test_a_record_may_have_several_responses_or_none():
    responses = {"better": [{"value": "left", "user_id": "u"}, {"value": None, "user_id": "v"}]}
    rows = [{"id": "a", "fields": {}, "responses": responses}, {"id": "b", "fields": {}, "responses": {}}]
    assert [(a.id, a.annotator, a.choices) for a in argilla.answers(rows)] == [
        ("a", "u", ("left",)), ("a", "v", ()), ("b", "nobody", ())]  # fmt: skip
