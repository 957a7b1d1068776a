import json

import pyarrow
import pytest
from pyarrow import parquet

from rlhf_pipeline.curation.sources import Inputs
from rlhf_pipeline.curation.sources.pairs import Params, read
from rlhf_pipeline.records import assistant, user

PLAIN = {"prompt": "hi", "chosen": "hello", "rejected": "no"}
TALK = {"prompt": user("hi"), "chosen": assistant("hello"), "rejected": assistant("no")}
FORMS = {
    "plain": PLAIN,
    "conversational": TALK,
    "plain prompt, whole conversations": {
        "prompt": "hi",
        "chosen": user("hi") + assistant("hello"),
        "rejected": user("hi") + assistant("no"),
    },
    "implicit prompt": {"chosen": user("hi") + assistant("hello"), "rejected": user("hi") + assistant("no")},
    "implicit plain prompt": {"chosen": "hi hello", "rejected": "hi no"},
}


@pytest.fixture
def read_rows(tmp_path):
    def write_and_read(*rows, **settings):
        (tmp_path / "mine.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
        return read(Inputs(tmp_path / "mine.jsonl", tmp_path / "none", seed=0), Params(**settings))

    return write_and_read


@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_a_pair_gives_the_same_row(read_rows, form):
    [row] = read_rows(FORMS[form]).pairs
    stripped = {part: [m | {"content": m["content"].strip()} for m in row[part]] for part in TALK}
    assert stripped == TALK
    assert row["id"] == "mine-00001"


def test_other_columns_are_kept_and_nulls_are_not(read_rows):
    extra = {"id": 7, "margin": 2, "annotator": "x", "topic": "t", "slice": None}
    [row] = read_rows(PLAIN | extra).pairs
    assert {key: row[key] for key in row if key not in TALK} == {
        "id": "7",
        "margin": 2.0,
        "annotator": "x",
        "topic": "t",
    }


def test_columns_may_have_other_names(read_rows):
    row = {"question": "hi", "good": "hello", "bad": "no", "strength": 1}
    [found] = read_rows(row, prompt="question", chosen="good", rejected="bad", margin="strength").pairs
    assert found == {"id": "mine-00001", **TALK, "margin": 1.0}


MALFORMED = {
    "chosen is neither text nor messages: bool": {"chosen": True},
    "rejected is neither text nor messages: NoneType": {"rejected": None},
    "margin is no number of at least 0: -1": {"margin": -1},
    "margin is no number of at least 0: big": {"margin": "big"},
}


@pytest.mark.parametrize("reason", MALFORMED)
def test_a_malformed_row_is_kept_as_unreadable_with_its_reason(read_rows, reason):
    raw = read_rows(PLAIN | MALFORMED[reason], PLAIN)
    assert [row["id"] for row in raw.pairs] == ["mine-00002"]
    assert [(row["id"], why) for row, why in raw.unreadable] == [("mine-00001", reason)]


def test_parquet_gives_the_same_rows_as_json_lines(tmp_path, read_rows):
    rows = [TALK | {"margin": 1.0, "annotator": "x"}, TALK | {"margin": None, "annotator": None}]
    parquet.write_table(pyarrow.Table.from_pylist(rows), tmp_path / "mine.parquet")
    from_parquet = read(Inputs(tmp_path / "mine.parquet", tmp_path / "none", seed=0), Params()).pairs
    assert from_parquet == read_rows(*rows).pairs
    assert from_parquet[1].keys() == {"id", "prompt", "chosen", "rejected"}
