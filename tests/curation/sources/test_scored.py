import pytest

from rlhf_pipeline.curation.sources import Inputs
from rlhf_pipeline.curation.sources.scored import Params, parse, read
from rlhf_pipeline.records import assistant, user

COLUMNS = {"response_j": "response_j_score", "response_k": "response_k_score"}


def listed(*scores):
    return [{"response": f"r{n}", "overall_score": score, "model": "m"} for n, score in enumerate(scores)]


def test_a_real_file_of_two_scored_columns_is_read_to_the_last_row(shared):
    file = shared("contrast_instructions") / "twitter_train.json"
    params = Params(prompt="question", columns=COLUMNS)
    raw = read(Inputs(file, file / "none", seed=0), params)
    assert (len(raw.pairs), raw.unreadable) == (3957, [])
    assert {row["chosen_place"] for row in raw.pairs} == {"response_j"}
    assert all(row["margin"] > 0.1 for row in raw.pairs)


def test_a_list_of_completions_is_paired_by_the_rule(entries):
    entry = {"instruction": "hi", "completions": listed(5, 1, 3), "source": "web"}
    assert len(parse(entries(entry), Params()).pairs) == 3
    [row] = parse(entries(entry), Params(rule="best_worst")).pairs
    assert (row["prompt"], row["chosen"], row["rejected"]) == (user("hi"), assistant("r0"), assistant("r1"))
    assert (row["margin"], row["source"], row["chosen_place"]) == (4.0, "web", "completions[1]")


def test_scores_may_be_text(entries):
    [row] = parse(entries({"instruction": "hi", "completions": listed("2", "7.5")}), Params()).pairs
    assert row["margin"] == 5.5


MALFORMED = {
    "instruction is neither text nor messages: NoneType": {"completions": listed(1, 2)},
    "completions is no list of objects": {"instruction": "hi", "completions": "r"},
    "overall_score": {"instruction": "hi", "completions": listed(1, None)},
    "no two completions of the prompt differ enough in score": {"instruction": "hi", "completions": listed(3, 3)},
    "completions[1] is neither text nor messages: bool": {
        "instruction": "hi",
        "completions": [{"response": True, "overall_score": 1}, *listed(2)],
    },
}


@pytest.mark.parametrize("reason", [key for key in MALFORMED if key != "overall_score"])
def test_what_makes_no_pair_is_unreadable_with_its_reason(entries, reason):
    raw = parse(entries(MALFORMED[reason]), Params())
    assert raw.pairs == []
    assert [(row["id"], why) for row, why in raw.unreadable] == [("mine-00001", reason)]


def test_a_missing_score_names_its_completion(entries):
    [(_, why)] = parse(entries(MALFORMED["overall_score"]), Params()).unreadable
    assert why == "completions[2] is no number: None"
