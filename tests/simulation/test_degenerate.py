import random

import pytest

from rlhf_pipeline.simulation.degenerate import KINDS, degrade
from rlhf_pipeline.simulation.gold import gold
from rlhf_pipeline.simulation.writers import PERFECT, write

TEXT, OTHER = "a b c d e f g h i j", "of another prompt"


def made(kind, seed=0):
    return degrade(kind, TEXT, OTHER, random.Random(seed)).split()


def test_a_truncated_text_is_a_beginning_of_at_most_half():
    for seed in range(20):
        assert 1 <= len(made("truncated", seed)) <= 5
        assert TEXT.startswith(" ".join(made("truncated", seed)))


def test_a_repeated_text_says_three_words_at_least_four_times():
    for seed in range(20):
        words = made("repeated", seed)
        assert words[-3:] * 4 == words[-12:]


def test_a_shuffled_text_has_the_same_words():
    assert sorted(made("shuffled")) == sorted(TEXT.split()) != made("shuffled")


def test_a_swapped_text_is_the_other_prompts():
    assert degrade("swapped", TEXT, OTHER, random.Random(0)) == OTHER


@pytest.mark.parametrize("kind", KINDS)
def test_the_shortest_texts_can_be_degraded_too(kind):
    assert degrade(kind, "word", OTHER, random.Random(0))


@pytest.mark.parametrize("kind", KINDS)
def test_gold_thinks_little_of_every_kind(kind, tasks):
    rng = random.Random(1)
    lower = 0
    for task, other in zip(tasks[:60], tasks[60:120], strict=True):
        text, swapped = write(PERFECT, task, rng), write(PERFECT, other, rng)
        lower += gold(task, degrade(kind, text, swapped, rng)).total < gold(task, text).total
    assert lower >= 55
