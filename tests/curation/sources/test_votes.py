import pytest

from rlhf_pipeline.curation.sources._conversations import MalformedError
from rlhf_pipeline.curation.sources._votes import VoteParams, count_votes
from rlhf_pipeline.records import assistant, user

SIDES = {"left": assistant("a"), "right": assistant("b")}
ROW = {"id": "x-1", "prompt": user("hi")}


def count(*votes, **settings):
    return count_votes(ROW, SIDES, [(f"w{n}", vote) for n, vote in enumerate(votes)], VoteParams(**settings))


def test_the_majority_wins_and_its_lead_is_the_margin():
    [row] = count("second", "second", "first", "tie")
    assert (row["chosen"], row["rejected"], row["chosen_place"]) == (SIDES["right"], SIDES["left"], "right")
    assert row["margin"] == 0.25
    assert [vote["vote"] for vote in row["votes"]] == ["chosen", "chosen", "rejected", "tie"]
    assert [vote["annotator"] for vote in row["votes"]] == ["w0", "w1", "w2", "w3"]


def test_a_row_per_vote_has_its_annotator_and_no_tie():
    rows = count("second", "tie", "first", one_per="vote")
    assert [(row["id"], row["annotator"], row["chosen_place"]) for row in rows] == [
        ("x-1-1", "w0", "right"),
        ("x-1-2", "w2", "left"),
    ]
    assert {row["margin"] for row in rows} == {1.0}


@pytest.mark.parametrize("votes", [("first", "second"), ("tie", "tie"), ()])
def test_a_tie_is_no_pair(votes):
    with pytest.raises(MalformedError, match="tie" if votes else "nobody voted"):
        count(*votes)


def test_a_lead_too_small_is_no_pair():
    assert count("first", "first", "second", min_margin=0.3)
    with pytest.raises(MalformedError):
        count("first", "first", "second", min_margin=0.4)
