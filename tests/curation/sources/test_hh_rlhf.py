import json

import pytest

from rlhf_pipeline.curation.curate import curate
from rlhf_pipeline.curation.sources import Inputs
from rlhf_pipeline.curation.sources.hh_rlhf import Params, read
from rlhf_pipeline.params import Curation, Split
from rlhf_pipeline.records import assistant, user

ASK = "\n\nHuman: What is  rain?\n\nAssistant: Water.\n\nHuman: Why?\n\nAssistant:"


@pytest.fixture
def read_lines(tmp_path):
    def write_and_read(*entries, name="helpful.test.jsonl"):
        lines = [entry if isinstance(entry, str) else json.dumps(entry) for entry in entries]
        (tmp_path / name).write_text("\n".join(lines), encoding="utf-8")
        return read(Inputs(tmp_path, tmp_path / "none", seed=0), Params())

    return write_and_read


def test_a_transcript_becomes_prompt_and_two_replies(read_lines):
    [row] = read_lines({"chosen": f"{ASK} Clouds cool.", "rejected": f"{ASK} No idea."}).pairs
    assert row["prompt"] == user("What is  rain?") + assistant("Water.") + user("Why?")
    assert (row["chosen"], row["rejected"]) == (assistant("Clouds cool."), assistant("No idea."))
    assert (row["id"], row["slice"]) == ("helpful-00001", "helpful")


def test_the_slice_is_taken_from_the_files_name(read_lines):
    entry = {"chosen": f"{ASK} a", "rejected": f"{ASK} b"}
    assert read_lines(entry, name="harmless-base.jsonl").pairs[0]["slice"] == "harmless"
    assert "slice" not in read_lines(entry, name="a.jsonl").pairs[0]


def test_later_turns_of_a_conversation_are_of_its_group(read_lines):
    first = "\n\nHuman: what is rain?\n\nAssistant:"
    entries = [{"chosen": f"{ask} a", "rejected": f"{ask} b"} for ask in (ASK, first, first.replace("rain", "snow"))]
    groups = [row["group"] for row in read_lines(*entries).pairs]
    assert groups[0] == groups[1] != groups[2]


MALFORMED = {
    "not JSON": "{",
    "not a JSON object": "[]",
    "chosen is not text: NoneType": {"rejected": f"{ASK} b"},
    "rejected is not text: bool": {"chosen": f"{ASK} a", "rejected": True},
    "chosen does not begin with a human turn": {"chosen": "Hello", "rejected": f"{ASK} b"},
    "rejected does not end with an assistant turn": {"chosen": f"{ASK} a", "rejected": f"{ASK} b\n\nHuman: c"},
    "chosen has two turns of one speaker in a row": {"chosen": f"{ASK} a\n\nAssistant: b", "rejected": f"{ASK} b"},
    "the sides part before the last turn": {"chosen": f"{ASK} a", "rejected": f"{ASK} b\n\nHuman: c\n\nAssistant: d"},
}


@pytest.mark.parametrize("reason", MALFORMED)
def test_a_malformed_entry_is_kept_as_unreadable_with_its_reason(read_lines, reason):
    raw = read_lines(MALFORMED[reason], {"chosen": f"{ASK} a", "rejected": f"{ASK} b"})
    assert len(raw.pairs) == 1
    [(row, why)] = raw.unreadable
    assert why.startswith(reason)
    assert row["id"] == "helpful-00001"


def test_real_transcripts_are_read_to_the_last_row(root):
    folder = root.parent / "shared" / "data" / "hh_rlhf"
    if not folder.is_dir():
        pytest.skip("needs ../shared/data/hh_rlhf, which this machine does not have")
    raw = read(Inputs(folder, folder / "none", seed=0), Params())
    assert len(raw.pairs) + len(raw.unreadable) == 2312 + 2352
    assert len(raw.unreadable) < 60
    assert {row["slice"] for row in raw.pairs} == {"harmless", "helpful"}
    split = Split(validation=0.1, test=0.1, evaluator=0.1)
    params = Curation(source="hh_rlhf", input="", text="", filters=["usable", "exact_duplicates"], split=split)
    curated = curate(raw, params, seed=0)
    assert curated.drops()["usable"] == 8  # four empty replies in each file, one beside an empty turn
    assert len(curated.tables["train"]) > 2500
