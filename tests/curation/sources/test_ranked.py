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
