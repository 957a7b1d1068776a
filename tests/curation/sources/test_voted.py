import pytest

from rlhf_pipeline.curation.sources import Inputs
from rlhf_pipeline.curation.sources.voted import Params, parse, read
from rlhf_pipeline.records import assistant, user

ROW = {"instruction": "sum up", "input": "a text", "response1": "a", "response2": "b", "cmp_key": "x_y"}


def vote(*votes, **columns):
    return ROW | {f"annotator{n}": vote for n, vote in enumerate(votes, start=1)} | columns


def test_a_real_file_is_read_and_its_sides_that_are_no_text_are_named(shared):
    folder = shared("pandalm")
    raw = read(Inputs(folder, folder / "none", seed=0), Params())
    assert len(raw.pairs) + len(raw.unreadable) == 999
    assert sum("neither text nor messages: bool" in why for _, why in raw.unreadable) == 6


def test_votes_become_a_pair_with_its_strength(entries):
    [row] = parse(entries(vote(2, 2, 1)), Params()).pairs
    assert row["prompt"] == user("sum up\n\na text")
    assert (row["chosen"], row["rejected"]) == (assistant("b"), assistant("a"))
    assert (row["margin"], row["chosen_place"], row["cmp_key"]) == (pytest.approx(1 / 3), "response2", "x_y")
    assert row["votes"][2] == {"annotator": "annotator3", "vote": "rejected"}


def test_an_empty_column_adds_nothing_to_the_prompt(entries):
    [row] = parse(entries(vote(1, 1, 0, input="")), Params()).pairs
    assert row["prompt"] == user("sum up")


def test_values_of_votes_may_be_others(entries):
    params = Params(votes={"A": "first", "B": "second"}, annotators=["judge"])
    [row] = parse(entries(ROW | {"judge": "B"}), params).pairs
    assert row["chosen_place"] == "response2"


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        (vote(1, 2, 0), "votes are a tie: 3 votes"),
        (vote(7), "annotator1 is no vote: 7"),
        (ROW, "nobody voted"),
        (vote(1, response2=True), "response2 is neither text nor messages: bool"),
    ],
)
def test_what_makes_no_pair_is_unreadable_with_its_reason(entries, entry, reason):
    raw = parse(entries(entry), Params())
    assert [(row["id"], why) for row, why in raw.unreadable] == [("mine-00001", reason)]
