import pytest

from rlhf_pipeline.curation.sources import Inputs
from rlhf_pipeline.curation.sources.hub import Params, read
from rlhf_pipeline.methods import MethodError
from rlhf_pipeline.records import assistant, user, write_rows

TALK = {"prompt": user("hi"), "chosen": assistant("hello"), "rejected": assistant("no")}
COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A data set saved as the hub lays one out, and a cache of its own."""
    import datasets

    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    rows = datasets.Dataset.from_list([TALK | {"margin": float(n)} for n in range(5)])
    (tmp_path / "set" / "data").mkdir(parents=True)
    rows.to_parquet(tmp_path / "set" / "data" / "train-00000-of-00001.parquet")
    return tmp_path / "set"


def read_set(folder, **settings):
    return read(Inputs(folder / "none", folder / "none", seed=0), Params(name=str(folder), **settings))


@pytest.mark.parametrize("streaming", [False, True])
def test_a_data_set_gives_the_rows_that_its_form_makes(folder, streaming):
    raw = read_set(folder, streaming=streaming)
    assert raw.unreadable == []
    assert raw.pairs[4] == {"id": "set-train-00005", **TALK, "margin": 4.0}
    assert len(raw.pairs) == 5


def test_no_more_rows_are_read_than_asked(folder):
    assert [row["margin"] for row in read_set(folder, max_rows=2, streaming=True).pairs] == [0.0, 1.0]


def test_the_form_and_its_settings_are_of_choice(tmp_path, monkeypatch):
    import datasets

    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    rows = [{"question": "hi", "said": text, "good": good} for text, good in (("a", True), ("b", False))]
    write_rows(tmp_path / "set" / "test.jsonl", rows)
    settings = {"prompt": "question", "completion": "said", "label": "good"}
    raw = read_set(tmp_path / "set", form="labelled", form_settings=settings, split="test")
    assert [(row["chosen"], row["rejected"]) for row in raw.pairs] == [(assistant("a"), assistant("b"))]


@pytest.mark.parametrize("revision", ["", "main", COMMIT[:7]])
def test_an_id_without_a_pinned_revision_is_refused_with_what_to_write(tmp_path, revision):
    with pytest.raises(MethodError, match=r"pins nothing for owner/name; write the 40 digits"):
        read(Inputs(tmp_path, tmp_path, seed=0), Params(name="owner/name", revision=revision))


def test_no_name_and_a_form_without_entries_are_refused(tmp_path, folder):
    with pytest.raises(MethodError, match="name: write"):
        read(Inputs(tmp_path, tmp_path, seed=0), Params())
    with pytest.raises(MethodError, match="'simulated' reads no entries"):
        read_set(folder, form="simulated")
    with pytest.raises(MethodError, match="settings of pairs"):
        read_set(folder, form_settings={"promt": "x"})
