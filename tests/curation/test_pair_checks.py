import pytest

from rlhf_pipeline.curation.curate import Curated
from rlhf_pipeline.curation.pair_checks import cycle_fraction, has_cycle, longer_chosen_fraction, measure_pairs
from rlhf_pipeline.curation.split import with_groups
from rlhf_pipeline.records import user

EMPTY = ("train", "validation", "test", "evaluator", "evaluation_prompts", "policy_prompts", "demonstrations")


@pytest.fixture
def measure():
    def build(num_read=None, dropped=(), **tables):
        tables = {
            **{name: [] for name in EMPTY},
            **{name: with_groups(rows, "prompt") for name, rows in tables.items()},
        }
        measured = measure_pairs(Curated(num_read or 1, tables, list(dropped)), seed=0)
        return {name: interval.value for name, interval in measured.items()}

    return build


def test_a_prompt_in_two_splits_leaks_as_group_and_as_prompt(measure, pair):
    found = measure(train=[pair("a")], test=[pair("b"), pair("c", prompt="other")])
    assert (found["leaked_groups"], found["leaked_prompts"]) == (1, 1)


def test_a_prompt_under_two_group_names_leaks_as_prompt(measure, pair):
    found = measure(train=[pair("a", group="one")], test=[pair("b", group="two")])
    assert (found["leaked_groups"], found["leaked_prompts"]) == (0, 1)


@pytest.mark.parametrize("table", ["train", "evaluator", "policy_prompts"])
def test_an_evaluation_prompt_may_stand_in_no_pairs_and_no_policy_prompts(measure, pair, table):
    found = measure(**{table: [pair("a")]}, evaluation_prompts=[{"id": "e", "prompt": user("say hello")}])
    assert found["leaked_prompts"] == 1


def test_policy_prompts_may_be_those_of_train(measure, pair):
    assert measure(train=[pair("a")], policy_prompts=[pair("a")])["leaked_prompts"] == 0


def test_copies_and_contradictions_are_counted_across_splits(measure, pair):
    flipped = pair("c", chosen="go away", rejected="hello there")
    found = measure(train=[pair("a"), pair("b")], test=[flipped])
    assert (found["duplicate_pairs"], found["contradictory_pairs"]) == (1, 1)


def test_dropped_fraction_is_of_what_was_read(measure):
    assert measure(num_read=8, dropped=[{}, {}])["dropped_fraction"] == 0.25


def test_longer_chosen_fraction_leaves_out_sides_of_equal_length(pair):
    sides = [("aaa", "a"), ("aa", "a"), ("a", "aaa"), ("a", "aa"), ("aaaa", "a"), ("aa", "bb")] * 4
    rows = with_groups([pair(str(i), f"p{i}", *side) for i, side in enumerate(sides)], "prompt")
    found = longer_chosen_fraction(rows, seed=0)
    assert found.value == pytest.approx(3 / 5)
    assert 0 <= found.low < found.value < found.high <= 1


def test_longer_chosen_fraction_of_nothing_is_not_measured():
    assert longer_chosen_fraction([], seed=0).low is None


def votes(pair, prompt, *beats):
    return [pair(f"{prompt}{i}", prompt, winner, loser) for i, (winner, loser) in enumerate(beats)]


def test_a_cycle_is_counted_among_the_prompts_with_three_compared_completions(pair):
    cyclic = votes(pair, "p", ("x", "y"), ("y", "z"), ("z", "x"))
    ordered = votes(pair, "q", ("x", "y"), ("y", "z"), ("x", "z"))
    single = votes(pair, "r", ("x", "y"))
    assert cycle_fraction([*cyclic, *ordered, *single], seed=0).value == 0.5
    assert cycle_fraction(single, seed=0).note == "no prompt has three compared completions"


def test_the_majority_of_votes_makes_the_order(pair):
    outvoted = votes(pair, "p", ("x", "y"), ("y", "z"), ("z", "x"), ("x", "z"), ("x", "z"))
    assert cycle_fraction(outvoted, seed=0).value == 0


def test_a_longer_cycle_is_a_cycle_and_a_diamond_is_none():
    assert has_cycle({("a", "b"), ("b", "c"), ("c", "d"), ("d", "a")})
    assert not has_cycle({("a", "b"), ("a", "c"), ("b", "d"), ("c", "d")})
