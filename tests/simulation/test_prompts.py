import random
from dataclasses import replace

import pytest

from rlhf_pipeline.simulation.prompts import draw_phrasing, is_held_out, parse, render
from rlhf_pipeline.simulation.words import AVOIDABLE, VALUES


@pytest.mark.parametrize("is_shifted", [False, True])
def test_a_prompt_can_be_read_back_whatever_its_phrasing(tasks, is_shifted):
    rng = random.Random(0)
    for task in tasks:
        prompt = render(task, draw_phrasing(rng, is_shifted))
        assert parse(prompt) == task, prompt


def test_phrasings_of_training_and_of_the_shift_never_meet(tasks):
    rng = random.Random(0)
    plain, shifted = (
        {
            clause: {dict(draw_phrasing(rng, is_shifted).choices)[clause] for _ in range(60)}
            for clause in ("place", "mood")
        }
        for is_shifted in (False, True)
    )
    assert all(len(plain[clause]) > 1 and not plain[clause] & shifted[clause] for clause in plain)


def test_a_task_asks_for_known_values_and_names_each_slot_once(tasks):
    for task in tasks:
        assert len(task.slots) == len(task.asked)
        assert all(value in VALUES[slot] for slot, value in task.asked)
        assert task.forbidden is None or task.forbidden in AVOIDABLE
    assert {task.forbidden is None for task in tasks} == {True, False}


def test_another_value_changes_its_slot_alone(tasks):
    task = tasks[0]
    other = next(value for value in VALUES["subject"] if value != task.slots["subject"])
    changed = task.with_value("subject", other)
    assert changed.slots == task.slots | {"subject": other}
    assert changed.forbidden == task.forbidden


def test_about_the_wanted_share_of_combinations_is_held_out(tasks):
    task = next(task for task in tasks if "place" in task.slots)
    pairs = [(subject, place) for subject in VALUES["subject"] for place in VALUES["place"]]
    made = [task.with_value("subject", subject).with_value("place", place) for subject, place in pairs]
    held = sum(is_held_out(one, 0.2) for one in made) / len(made)
    assert 0.1 < held < 0.3
    assert not any(is_held_out(one, 0.0) for one in made)


def test_without_a_place_nothing_is_held_out(tasks):
    task = tasks[0]
    bare = replace(task, asked=tuple((slot, value) for slot, value in task.asked if slot != "place"))
    assert not is_held_out(bare, 0.5)


def test_a_text_of_another_world_is_refused():
    with pytest.raises(ValueError, match="not a prompt of the simulated world"):
        parse("how do I reset my password")
