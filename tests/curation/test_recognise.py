import pytest

from rlhf_pipeline import methods
from rlhf_pipeline.curation.recognise import TABLE, recognise
from rlhf_pipeline.curation.sources._files import find_files
from rlhf_pipeline.methods import MethodError
from rlhf_pipeline.records import assistant, user, write_rows

ROWS = {
    "pairs": {"prompt": "hi", "chosen": "a", "rejected": "b"},
    "hh_rlhf": {"chosen": "\n\nHuman: hi\n\nAssistant: a", "rejected": "\n\nHuman: hi\n\nAssistant: b"},
    "scored": {"instruction": "hi", "completions": []},
    "rated": {"prompt": "hi", "response": "a", "helpfulness": 3, "verbosity": 1},
    "labelled": {"prompt": user("hi"), "completion": assistant("a"), "label": True},
    "ranked": {"message_tree_id": "t", "prompt": {}},
    "voted": {"instruction": "hi", "input": "", "response1": "a", "response2": "b", "annotator1": 1},
    "ukp": {"topic_file": "t", "a1": "x", "a2": "y", "votes": []},
}
REAL = {
    "hh_rlhf": "hh_rlhf",
    "ukp_convarg1": "ukp",
    "truthfulqa": "labelled",
    "taskmaster_reward": "labelled",
    "oasst": "ranked",
    "contrast_instructions/twitter_test.json": "scored",
    "pandalm": "voted",
}


@pytest.mark.parametrize("name", REAL)
def test_real_files_are_recognised_without_being_told(root, name):
    path = root.parent / "shared" / "data" / name
    if not path.exists():
        pytest.skip(f"needs ../shared/data/{name}, which this machine does not have")
    assert {recognise(file).source for file in find_files(path)} == {REAL[name]}


@pytest.mark.parametrize("source", ROWS)
def test_columns_tell_the_source(tmp_path, source):
    write_rows(tmp_path / "x.jsonl", [ROWS[source]] * 3)
    assert recognise(tmp_path / "x.jsonl").source == source


def test_messages_of_a_row_each_are_known_with_and_without_a_parent(tmp_path):
    first = {"message_id": "a", "message_tree_id": "a", "role": "prompter", "text": "hi", "lang": "en"}
    write_rows(tmp_path / "x.jsonl", [first, {**first, "message_id": "b", "parent_id": "a", "rank": 0}])
    assert recognise(tmp_path / "x.jsonl").source == "ranked"


def test_unknown_columns_are_refused_with_what_to_say(tmp_path):
    write_rows(tmp_path / "x.jsonl", [{"good": "a", "bad": "b"}])
    with pytest.raises(MethodError, match=r"x\.jsonl: .* columns bad, good; say --source"):
        recognise(tmp_path / "x.jsonl")


def test_one_row_of_another_form_is_enough_to_know_nothing(tmp_path):
    write_rows(tmp_path / "x.jsonl", [ROWS["pairs"], ROWS["rated"]])
    with pytest.raises(MethodError):
        recognise(tmp_path / "x.jsonl")


def test_a_file_without_objects_is_refused(tmp_path):
    (tmp_path / "x.jsonl").write_text("hello\n[1]\n", encoding="utf-8")
    with pytest.raises(MethodError, match="JSON object"):
        recognise(tmp_path / "x.jsonl")


@pytest.mark.parametrize("known", TABLE, ids=lambda known: known.meaning.source)
def test_every_row_of_the_table_names_a_source_and_settings_that_it_takes(known):
    methods.settings(methods.load("curation/sources", known.meaning.source), known.meaning.settings)
