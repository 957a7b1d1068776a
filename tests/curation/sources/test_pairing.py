import pytest

from rlhf_pipeline.curation.sources._conversations import MalformedError
from rlhf_pipeline.curation.sources._pairing import PairingParams, Scored, pair_up
from rlhf_pipeline.records import assistant, user

SCORES = {"a": 0.2, "b": 1.0, "c": 0.6, "d": 0.6}


def paired(scores=SCORES, **settings):
    completions = [Scored(f"x-{name}", assistant(name), score, f"c[{name}]") for name, score in scores.items()]
    rows = pair_up(user("hi"), completions, PairingParams(**settings))
    return {row["chosen"][0]["content"] + row["rejected"][0]["content"]: row for row in rows}


def test_all_pairs_every_two_of_different_score_and_never_a_tie():
    assert paired(rule="all").keys() == {"ba", "bc", "bd", "ca", "da"}


def test_best_worst_gives_one_pair_and_best_random_one_with_the_best():
    assert paired(rule="best_worst").keys() == {"ba"}
    assert len(paired(rule="best_random")) == 1
    assert paired(rule="best_random").keys() <= {"ba", "bc", "bd"}


def test_adjacent_pairs_neighbours_in_the_ranking():
    found = paired(rule="adjacent")
    assert len(found) == 2
    assert {name[0] for name in found} == {"b", min(found, key=lambda x: "b" in x)[0]}
    assert any(name.endswith("a") for name in found)


def test_a_gap_too_small_makes_no_pair_and_one_of_exactly_the_gap_does():
    assert paired(rule="all", min_gap=0.4).keys() == {"ba", "bc", "bd", "ca", "da"}
    assert paired(rule="all", min_gap=0.5).keys() == {"ba"}


def test_no_more_pairs_are_drawn_than_asked_and_always_the_same():
    few = paired(rule="all", max_pairs=2)
    assert len(few) == 2
    assert few == paired(dict(reversed(SCORES.items())), rule="all", max_pairs=2)


def test_a_pair_says_how_far_apart_and_where_the_better_one_stood():
    row = paired(rule="best_worst")["ba"]
    assert (row["id"], row["margin"], row["chosen_place"]) == ("x-b~a", 0.8, "c[b]")
    assert (row["chosen_rating"], row["rejected_rating"]) == (1.0, 0.2)


@pytest.mark.parametrize("scores", [{}, {"a": 1}, {"a": 1, "b": 1}])
@pytest.mark.parametrize("rule", ["best_worst", "best_random", "adjacent", "all"])
def test_nothing_to_prefer_is_refused(rule, scores):
    with pytest.raises(MalformedError, match="no two completions"):
        paired(scores, rule=rule)
