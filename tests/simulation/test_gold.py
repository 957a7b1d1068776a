import random
from statistics import mean

import pytest

from rlhf_pipeline.simulation.gold import best, fluency, gold
from rlhf_pipeline.simulation.words import NONSENSE, VALUES
from rlhf_pipeline.simulation.writers import PERFECT, write


def best_try(task, seed=0, tries=20):
    rng = random.Random(seed)
    return max((write(PERFECT, task, rng) for _ in range(tries)), key=lambda text: gold(task, text).total)


@pytest.fixture(scope="module")
def good(tasks):
    """Return tasks that forbid a word, each with a completion that has the best reward."""
    pairs = [(task, best_try(task)) for task in tasks[:60] if task.forbidden]
    return [(task, text) for task, text in pairs if gold(task, text).total > best(task) - 0.3]


def rewards(good, change):
    """Return the mean reward of completions before and after a change, and the attributes of the first after it."""
    before = mean(gold(task, text).total for task, text in good)
    return before, mean(gold(task, change(task, text)).total for task, text in good)


def test_the_best_value_is_within_reach_of_a_perfect_writer(tasks):
    reached = [gold(task, best_try(task)).total >= best(task) - 0.05 for task in tasks[:100]]
    assert mean(reached) >= 0.9


def test_no_imperfect_completion_exceeds_the_best_value(world):
    rng = random.Random(3)
    for _ in range(500):
        task = world.draw_task(rng)
        assert gold(task, write(rng.choice(world.writers), task, rng)).total <= best(task) + 1e-9


def test_a_perfect_writer_beats_the_worlds_own(world, tasks):
    rng = random.Random(4)
    ours = mean(gold(task, write(rng.choice(world.writers), task, rng)).total for task in tasks)
    assert ours < mean(gold(task, write(PERFECT, task, rng)).total for task in tasks) - 0.5


def test_attributes_lie_between_zero_and_one(world, tasks):
    rng = random.Random(5)
    for task in tasks:
        attributes = gold(task, write(rng.choice(world.writers), task, rng)).attributes
        assert all(0.0 <= value <= 1.0 for value in attributes.values()), attributes
        assert attributes.keys() > task.slots.keys()


def test_a_forbidden_word_costs(good):
    before, after = rewards(good, lambda task, text: f"{text} {task.forbidden}")
    assert after < before
    task, text = good[0]
    assert gold(task, text).attributes["forbidden"] == 1.0
    assert gold(task, f"{text} {task.forbidden}").attributes["forbidden"] == 0.0


def test_nonsense_costs(good):
    before, after = rewards(good, lambda task, text: f"{text} {NONSENSE}")
    assert after < before
    task, text = good[0]
    assert gold(task, f"{text} {NONSENSE}").attributes["nonsense"] < gold(task, text).attributes["nonsense"]


def test_repetition_costs(good):
    before, after = rewards(good, lambda task, text: f"{text} {text}")
    assert after < before
    for task, text in good:
        once, twice = gold(task, text).attributes["repetition"], gold(task, f"{text} {text}").attributes["repetition"]
        assert twice < 0.7 * once


def test_shuffled_words_are_less_fluent(good):
    rng = random.Random(6)
    for _, text in good:
        shuffled = text.split()
        rng.shuffle(shuffled)
        assert fluency(shuffled) < fluency(text.split())


def test_an_empty_completion_is_worth_less_than_any_other(good):
    for task, text in good:
        assert gold(task, "").total < 0.5 * gold(task, text).total
    assert fluency([]) == 0.0


def test_a_wrong_length_is_told_from_the_right_one(tasks):
    wanted = [(task, best_try(task)) for task in tasks[:80] if "length" in task.slots]
    assert wanted
    for task, text in wanted:
        cut = " ".join(text.split()[: len(text.split()) // 3])
        for other in (cut, " ".join([text] * 3), ""):
            assert gold(task, other).attributes["length"] < gold(task, text).attributes["length"]


def test_each_asked_slot_counts(good):
    for task, text in good:
        wrong = task
        for slot, _ in task.asked:
            wrong = wrong.with_value(slot, next(v for v in VALUES[slot] if v != task.slots[slot]))
        assert gold(wrong, text).total < gold(task, text).total


def test_other_weights_give_another_reward(good):
    task, text = good[0]
    attributes = gold(task, text).attributes
    assert gold(task, text, dict.fromkeys(attributes, 0.0)).total == 0.0
    assert best(task, dict.fromkeys(attributes, 0.0)) == 0.0
