import random

import pytest

from rlhf_pipeline.simulation.marks import mark, steps
from rlhf_pipeline.simulation.prompts import Task
from rlhf_pipeline.simulation.writers import PERFECT, write

TASK = Task((("subject", "foxes"), ("colour", "red"), ("mood", "happy")))
RIGHT = "a crimson fox danced in woods . it felt merry ."
MARKED = "a crimson yes fox yes danced in woods . it felt merry yes ."
WRONG = "a azure fox danced in woods . it felt gloomy ."
MARKED_WRONG = "a azure no fox yes danced in woods . it felt gloomy no ."


@pytest.mark.parametrize(("completion", "marked"), [(RIGHT, MARKED), (WRONG, MARKED_WRONG)])
def test_each_asked_value_is_followed_by_yes_or_no(completion, marked):
    assert mark(TASK, completion) == marked


def test_what_was_not_asked_for_has_no_mark():
    assert mark(Task((("subject", "foxes"),)), WRONG) == WRONG.replace("fox", "fox yes")
    assert mark(Task((("subject", "foxes"),)), "gleaming azure woods danced ; rain fell .").split().count("no") == 0


@pytest.mark.parametrize(("phrase", "word"), [("so always be kind .", "yes"), ("three cheers now !", "no")])
def test_the_ending_is_marked_as_a_whole(phrase, word):
    task = Task((("subject", "foxes"), ("ending", "moral")))
    assert mark(task, f"a fox . {phrase}") == f"a fox yes . {phrase} {word}"
    assert mark(task, f"a fox . {phrase} rain fell .") == f"a fox yes . {phrase} rain fell ."


def test_a_value_said_twice_is_marked_twice():
    assert mark(TASK, "crimson fox , azure fox") == "crimson yes fox yes , azure no fox yes"


def test_every_right_mark_is_a_right_step():
    assert steps(TASK, MARKED) == steps(TASK, MARKED_WRONG) == [True, True, True]


def test_a_wrong_mark_is_found_at_its_place():
    assert steps(TASK, MARKED_WRONG.replace("fox yes", "fox no")) == [True, False, True]


def test_marks_left_out_at_the_end_are_wrong_steps():
    assert steps(TASK, MARKED.replace("merry yes", "merry")) == [True, True, False]


def test_a_completion_that_says_nothing_asked_has_no_steps():
    assert steps(TASK, "then rain fell .") == []


def test_marks_of_every_completion_of_a_perfect_author_are_yes(tasks):
    rng = random.Random(3)
    for task in tasks[:50]:
        marked = mark(task, write(PERFECT, task, rng)).split()
        assert "yes" in marked
        assert "no" not in marked
