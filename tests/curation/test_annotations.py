"""Tests of labels that were asked for: beside any source, always in train."""

import pytest

from rlhf_pipeline.curation.annotations import add, to_pair
from rlhf_pipeline.curation.sources import Raw
from rlhf_pipeline.curation.split import split_rows, with_groups
from rlhf_pipeline.records import assistant, text, user, write_rows

ITEM = {
    "id": "i1", "prompt": user("ask"), "first": assistant("one"), "second": assistant("two"), "group": "g",
    "asked_from": "pairs", "topic": 3, "disagreement": 0.5, "margin": -0.2, "is_failed": 1,
}  # fmt: skip
FRACTIONS = {"validation": 0.3, "test": 0.3, "evaluator": 0.2, "evaluation_prompts": 0.1}


def test_votes_make_a_pair_with_who_voted_and_by_how_much():
    pair = to_pair(ITEM, [("ann", "first"), ("bob", "second"), ("cleo", "second")], "round")
    assert (pair["id"], text(pair["chosen"]), text(pair["rejected"])) == ("round-i1", "two", "one")
    assert (pair["margin"], pair["annotator"], pair["group"]) == (pytest.approx(1 / 3), "bob", "g")
    assert [vote["vote"] for vote in pair["votes"]] == ["rejected", "chosen", "chosen"]
    assert not {"first", "second", "topic", "disagreement", "is_failed"} & pair.keys()


def test_a_tie_makes_no_pair():
    assert to_pair(ITEM, [("ann", "first"), ("bob", "second")], "round") is None
    assert to_pair(ITEM, [("ann", "tie")], "round") is None


def test_labels_join_any_source_and_stay_in_train_with_their_group(tmp_path):
    own = [
        {"id": f"p{n}", "prompt": user(f"p {n}"), "chosen": assistant("a"), "rejected": assistant("b")}
        for n in range(40)
    ]
    asked = [to_pair({**ITEM, "id": f"i{n}", "prompt": user(f"p {n}"), "group": f"g{n}"}, [("ann", "first")], "r")
             for n in range(40)]  # fmt: skip
    write_rows(tmp_path / "r.jsonl", asked)
    raw = add(Raw(pairs=[{**row, "group": f"g{n}"} for n, row in enumerate(own)]), tmp_path, "prompt")
    splits = split_rows(with_groups(raw.pairs, "prompt"), FRACTIONS, seed=0)
    assert {name: len(rows) for name, rows in splits.items() if rows} == {"train": 80}  # no group on both sides


def test_a_folder_without_labels_changes_nothing_and_a_broken_line_is_counted(tmp_path):
    raw = add(Raw(pairs=[{"id": "p"}]), tmp_path / "none", "prompt")
    assert (raw.pairs, raw.unreadable) == ([{"id": "p"}], [])
    (tmp_path / "r.jsonl").write_text("{\n", encoding="utf-8")
    assert "not JSON" in add(raw, tmp_path, "prompt").unreadable[0][1]


def test_labels_without_the_column_that_groups_are_grouped_by_their_prompt(tmp_path):
    pair = to_pair(ITEM, [("ann", "first")], "r")
    write_rows(tmp_path / "r.jsonl", [pair, {**pair, "id": "r-2", "subject": "hens"}])
    groups = [row["group"] for row in with_groups(add(Raw(pairs=[]), tmp_path, "subject").pairs, "subject")]
    assert groups[1] == "hens"
    assert groups[0] not in ("g", "hens")
