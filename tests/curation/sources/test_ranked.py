import pytest

from rlhf_pipeline.curation.sources import Inputs
from rlhf_pipeline.curation.sources.ranked import Params, parse, read
from rlhf_pipeline.records import assistant, user


def say(text, *replies, role="assistant", **more):
    return {"role": role, "text": text, "replies": list(replies), **more}


TREE = {
    "message_tree_id": "t",
    "prompt": say(
        "hi",
        say("b", rank=1),
        say("a", say("why", say("so", rank=0), say("no", rank=1), role="prompter"), rank=0),
        say("c", rank=2),
        say("d", rank=None),
        role="prompter",
    ),
}


def test_a_real_forest_is_read_to_the_last_tree(shared):
    folder = shared("oasst")
    raw = read(Inputs(folder, folder / "none", seed=0), Params())
    assert len({row["group"] for row in raw.pairs}) + len(raw.unreadable) == 100
    ranked_forks = 117 * 3 + 57 + 27 * 6 + 6 * 15 + 3 * 10 + 36 + 28  # by number of ranked replies
    assert len(raw.pairs) == ranked_forks
    assert all(row["prompt"][-1]["role"] == "user" for row in raw.pairs)


def test_replies_are_paired_by_rank_at_every_depth(entries):
    raw = parse(entries(TREE), Params())
    said = [(row["chosen"][0]["content"], row["rejected"][0]["content"]) for row in raw.pairs]
    assert sorted(said) == [("a", "b"), ("a", "c"), ("b", "c"), ("so", "no")]
    deep = next(row for row in raw.pairs if row["chosen"] == assistant("so"))
    assert deep["prompt"] == user("hi") + assistant("a") + user("why")
    assert {row["group"] for row in raw.pairs} == {"t"}
    assert len({row["id"] for row in raw.pairs}) == 4


def test_a_rule_may_leave_pairs_out(entries):
    assert len(parse(entries(TREE), Params(rule="best_worst")).pairs) == 2


@pytest.mark.parametrize(
    ("tree", "reason"),
    [
        ({"prompt": say("hi", say("a", rank=0), role="prompter")}, "no message of the tree has two ranked replies"),
        ({"prompt": "hi"}, "the tree holds something that is no message"),
        ({}, "the tree holds something that is no message"),
    ],
)
def test_what_makes_no_pair_is_unreadable_with_its_reason(entries, tree, reason):
    raw = parse(entries(tree), Params())
    assert (raw.pairs, [why for _, why in raw.unreadable]) == ([], [reason])


def message(id, parent, text, rank=None, tree="t", **more):
    role = "prompter" if text.endswith("?") else "assistant"
    return {"message_id": id, "parent_id": parent, "message_tree_id": tree, "role": role, "text": text, "rank": rank,
            "lang": "en", "deleted": False, "review_result": True, **more}  # fmt: skip


FLAT = [
    message("1", None, "hi?"),
    message("2", "1", "b", 1),
    message("4", "3", "why?"),  # before the message that it answers
    message("3", "1", "a", 0),
    message("5", "1", "c", 2),
    message("6", "1", "d"),
    message("7", "4", "so", 0),
    message("8", "4", "no", 1),
]


def sides(raw):
    return sorted(
        (row["prompt"][-1]["content"], *(row[x][0]["content"] for x in ("chosen", "rejected"))) for row in raw
    )


def test_messages_of_a_row_each_give_the_pairs_of_their_trees(entries):
    other = [message(row["message_id"], row["parent_id"], row["text"], row["rank"], tree="u") for row in FLAT]
    mixed = [row for both in zip(FLAT, other, strict=True) for row in both]  # ids are those of a tree, not of the file
    raw = parse(entries(*mixed), Params())
    assert raw.unreadable == []
    for tree in "tu":
        found = [row for row in raw.pairs if row["group"] == tree]
        expected = [("hi?", "a", "b"), ("hi?", "a", "c"), ("hi?", "b", "c"), ("why?", "so", "no")]
        assert sides(found) == expected
    assert len({row["id"] for row in raw.pairs}) == 8


def test_deleted_repeated_and_lost_messages_are_set_aside_with_their_reason(entries):
    gone = [
        message("9", "1", "e", 3, deleted=True),
        message("10", "9", "what?"),
        message("11", "12", "x?"),
        message("12", "11", "y"),  # answers what answers it
        message("2", "1", "b", 1),
    ]
    raw = parse(entries(*FLAT, *gone), Params())
    lost = "the message answers one that is deleted or not there"
    assert {row["message_id"]: why for row, why in raw.unreadable} == {
        "9": "the message is deleted", "10": lost, "11": lost, "12": lost, "2": "repeats message mine-00002",
    }  # fmt: skip
    assert len(raw.pairs) == 4


def test_trees_and_messages_may_stand_in_one_file(entries):
    raw = parse(entries(TREE, *(row | {"message_tree_id": "u"} for row in FLAT)), Params())
    assert [len([row for row in raw.pairs if row["group"] == tree]) for tree in "tu"] == [4, 4]


def test_a_tree_of_messages_without_ranks_is_one_row_with_its_reason(entries):
    raw = parse(entries(*FLAT[:2]), Params())
    assert [(row["id"], why) for row, why in raw.unreadable] == [
        ("mine-00001", "no message of the tree has two ranked replies")
    ]
