import random
from collections import Counter
from dataclasses import fields, replace
from itertools import permutations
from statistics import mean

import pytest

from rlhf_pipeline.simulation.annotators import Annotator, rate, sigmoid
from rlhf_pipeline.simulation.gold import gold
from rlhf_pipeline.simulation.writers import PERFECT, write

SURE = Annotator("sure", temperature=0.05)  # as good as no noise


@pytest.fixture(scope="module")
def sides(world, tasks):
    """Return tasks with two completions whose gold rewards are well apart, the better one first."""
    rng, found = random.Random(7), []
    for task in tasks:
        pair = sorted(
            (write(rng.choice(world.writers), task, rng) for _ in range(2)), key=lambda t: -gold(task, t).total
        )
        if gold(task, pair[0]).total > gold(task, pair[1]).total + 0.8:
            found.append((task, *pair))
    assert len(found) > 40
    return found


def votes(annotator, sides, seed=0):
    rng = random.Random(seed)
    return Counter(annotator.prefers(task, better, worse, rng) for task, better, worse in sides)


def test_without_noise_or_taste_gold_decides(sides):
    assert votes(SURE, sides) == {"first": len(sides)}
    task, better, worse = sides[0]
    assert SURE.prefers(task, worse, better, random.Random(0)) == "second"
    assert SURE.utility(task, better) == gold(task, better).total


def test_who_flips_always_turns_every_label_around(sides):
    assert votes(replace(SURE, flip=1.0), sides) == {"second": len(sides)}


def test_noise_makes_mistakes_and_more_noise_more(sides):
    wrong = [votes(replace(SURE, temperature=t), sides)["second"] for t in (0.05, 3.0, 1000.0)]
    assert wrong[0] < wrong[1] < wrong[2]
    assert wrong[2] == pytest.approx(len(sides) / 2, abs=0.2 * len(sides))


def test_a_choice_between_very_unlike_completions_does_not_overflow(tasks):
    verbose = replace(SURE, temperature=0.001, length_bias=10.0)
    assert verbose.prefers(tasks[0], "word", "word " * 500, random.Random(0)) == "second"
    assert verbose.prefers(tasks[0], "word " * 500, "word", random.Random(0)) == "first"
    assert [sigmoid(x) for x in (0.0, 1e6, float("inf"))] == [0.5, 1.0, 1.0]
    assert sigmoid(-1e6) < 1e-300
    assert sigmoid(-2.0) + sigmoid(2.0) == pytest.approx(1.0)


def test_flips_of_small_differences_leave_large_ones_alone(sides):
    noisy = replace(SURE, margin_noise=1.0)
    assert noisy.prefers(*sides[0], random.Random(0)) == "first"
    task, text, _ = sides[0]
    said = votes(noisy, [(task, text, text)] * 200)
    assert said["tie"] == 0
    assert 60 < said["first"] < 140
    flipped = votes(noisy, sides)["second"]
    assert 0 < flipped < 0.5 * len(sides)


def test_close_utilities_are_a_tie(sides):
    assert votes(replace(SURE, tie_width=1000.0), sides) == {"tie": len(sides)}
    task, text, _ = sides[0]
    assert replace(SURE, tie_width=0.1).prefers(task, text, text, random.Random(0)) == "tie"


def test_an_intransitive_annotator_has_a_cycle(tasks):
    task, odd = tasks[0], replace(SURE, is_intransitive=True)
    lengths = [" ".join(["word"] * count) for count in (1, 2, 3)]
    beaten = {
        (a, b)
        for a, b in permutations(range(3), 2)
        if odd.prefers(task, lengths[a], lengths[b], random.Random(0)) == "first"
    }
    outgoing = Counter(a for a, _ in beaten)
    assert len(beaten) == 3
    assert set(outgoing.values()) == {1}  # each beats one and loses to one: a circle


def test_length_bias_pays_for_words(tasks):
    task, text = tasks[0], "a word and more"
    biased = replace(SURE, length_bias=0.5)
    assert biased.utility(task, text) - SURE.utility(task, text) == pytest.approx(2.0)
    assert biased.prefers(task, " ".join([text] * 100), text, random.Random(0)) == "first"


def test_every_bias_overrates_something_that_the_worlds_authors_write(world, tasks):
    rng = random.Random(8)
    written = [(task, write(rng.choice(world.writers), task, rng)) for task in tasks]
    for name in (field.name for field in fields(Annotator) if field.name.endswith("_bias")):
        biased = replace(SURE, **{name: 1.0})
        lifted = [biased.utility(task, text) > gold(task, text).total + 0.5 for task, text in written]
        assert any(lifted), name


def test_opposite_tastes_pull_apart(tasks):
    task = next(task for task in tasks if "mood" in task.slots)
    text = write(PERFECT, task, random.Random(0))
    fond, averse = (replace(SURE, taste=(("mood", weight),)) for weight in (1.0, -1.0))
    assert fond.utility(task, text) == pytest.approx(averse.utility(task, text) + 1.0)


def test_ratings_run_from_one_to_five_and_follow_worth(sides):
    rng = random.Random(9)
    better = [rate(task, text, rng) for task, text, _ in sides]
    worse = [rate(task, text, rng) for task, _, text in sides]
    assert set(better + worse) <= {1, 2, 3, 4, 5}
    assert mean(better) > mean(worse)
