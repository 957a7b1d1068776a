"""Tests of answers: what is sound becomes labels, and every planted mistake is told on a line of its own."""

import pytest

from rlhf_pipeline.records import read_rows, text

LABELS = "data/raw/annotations"


def line(id="item0", answer="left", annotator="ann"):
    return {"id": id, "answer": answer, "annotator": annotator}


def test_answers_become_pairs_in_train_order_undone_with_the_votes(rlhf, exported, answer, side_of, project):
    first = [line(f"item{n}", side_of(f"item{n}", "first")) for n in range(3)]
    second = [line("item3", side_of("item3", "second")), line("item3", side_of("item3", "second"), "bob")]
    result = rlhf("import", answer(*first, *second, line("item2", side_of("item2", "second"), "bob")))
    assert result.exit_code == 0, result.output
    assert "3 pairs of 2 annotators in data/raw/annotations/answers.jsonl; 1 ties left out" in result.output
    found = {row["item"]: row for row in read_rows(project / LABELS / "answers.jsonl")}
    assert set(found) == {"item0", "item1", "item3"}  # one for, one against: a tie
    assert [text(found[id]["chosen"]) for id in ("item0", "item3")] == ["first 0", "second 3"]
    assert found["item3"]["votes"] == [{"annotator": name, "vote": "chosen"} for name in ("ann", "bob")]
    assert (found["item0"]["annotator"], found["item0"]["group"], found["item3"]["margin"]) == ("ann", "g0", 1.0)
    assert not {"first", "second", "disagreement", "is_failed"} & found["item0"].keys()


@pytest.mark.parametrize(
    ("rows", "complaint"),
    [
        ([line("strange")], "line 2: unknown id 'strange': give answers to what rlhf annotate export wrote here"),
        ([line("item1", None)], "line 2: no answer to item1: answer it, or leave such rows out with --partial"),
        ([line("item1", "left", None)], "line 2: nobody answered item1: name the annotator, or say --annotator-column"),
        ([line("item0", "right")], "line 2: ann answered item0 before, in line 1: keep one"),
        ([line("item1", "A")], "line 2: answer 'A': write left, right, tie"),
    ],
)
def test_a_planted_mistake_is_told_and_nothing_is_written(rlhf, exported, answer, project, rows, complaint):
    result = rlhf("import", answer(line(), *rows))
    assert result.exit_code == 3
    assert f"answers.jsonl, {complaint}" in result.output
    assert "refused: 1 of 2 answers; nothing was written" in result.output
    assert not list(project.glob(f"{LABELS}/*"))


def test_with_partial_the_others_are_taken_in(rlhf, exported, answer, project):
    result = rlhf("import", answer(line(), line("strange"), line("item1", "")), "--partial")
    assert result.exit_code == 0
    assert "unknown id 'strange'" in result.output
    assert [row["item"] for row in read_rows(project / LABELS / "answers.jsonl")] == ["item0"]


def test_an_answer_that_was_taken_in_before_is_told_and_a_set_is_not_written_over(rlhf, exported, answer):
    assert rlhf("import", answer(line())).exit_code == 0
    again = rlhf("import", answer(line()))
    assert again.exit_code == 2
    assert "give another --name" in again.output
    other = rlhf("import", answer(line()), "--name", "second")
    assert other.exit_code == 3
    assert "ann answered item0 before, in answers.jsonl: keep one" in other.output
    assert rlhf("import", answer(line(annotator="bob")), "--name", "second").exit_code == 0


def test_ties_alone_are_no_labels(rlhf, exported, answer):
    result = rlhf("import", answer(line(answer="tie")))
    assert result.exit_code == 3
    assert "no item has a winner" in result.output


def test_the_column_of_the_annotator_can_have_another_name(rlhf, exported, answer, project):
    file = answer({"id": "item0", "answer": "left", "worker": 7})
    assert rlhf("import", file, "--annotator-column", "worker").exit_code == 0
    assert read_rows(project / LABELS / "answers.jsonl")[0]["annotator"] == "7"


@pytest.mark.parametrize(
    ("rows", "complaint"),
    [
        ([{"x": 1}], "no known form has the keys x; give Label Studio's JSON export"),
        ([line(), {"x": 1}], "object 2 is of another form than the first"),
        ([], "holds no list of objects"),
    ],
)
def test_a_file_of_no_form_is_a_usage_error(rlhf, exported, answer, rows, complaint):
    result = rlhf("import", answer(*rows))
    assert result.exit_code == 2
    assert complaint in result.output


def test_a_file_that_is_not_there_or_not_json_is_a_usage_error(rlhf, exported, project):
    assert rlhf("import", project / "none.json").exit_code == 2
    (project / "broken.json").write_text("{\n[", encoding="utf-8")
    result = rlhf("import", project / "broken.json")
    assert result.exit_code == 2
    assert "broken.json:1: not JSON" in result.output
