import random
from dataclasses import fields, replace
from statistics import mean

from rlhf_pipeline.simulation.gold import gold
from rlhf_pipeline.simulation.words import NONSENSE
from rlhf_pipeline.simulation.writers import PERFECT, draw_writer, write


def texts(writer, tasks, seed=0):
    rng = random.Random(seed)
    return [write(writer, task, rng) for task in tasks]


def worth(writer, tasks):
    return mean(gold(task, text).total for task, text in zip(tasks, texts(writer, tasks), strict=True))


def test_the_same_seed_writes_the_same_and_another_does_not(world, tasks):
    writer = world.writers[0]
    assert texts(writer, tasks[:20]) == texts(writer, tasks[:20]) != texts(writer, tasks[:20], seed=1)


def test_a_perfect_writer_heeds_every_slot_and_ban(tasks):
    for task, text in zip(tasks, texts(PERFECT, tasks), strict=True):
        attributes = gold(task, text).attributes
        assert all(attributes[slot] == 1.0 for slot, _ in task.asked if slot != "length"), (task, text)
        assert (attributes["forbidden"], attributes["nonsense"]) == (1.0, 1.0)


def test_without_slips_everything_is_fluent(tasks):
    careless = replace(PERFECT, skill=dict.fromkeys(PERFECT.skill, 0.0))
    fluencies = [
        gold(task, text).attributes["fluency"] for task, text in zip(tasks, texts(careless, tasks), strict=True)
    ]
    assert min(fluencies) == 1.0


def test_less_skill_is_worth_less(tasks):
    levels = [replace(PERFECT, skill=dict.fromkeys(PERFECT.skill, level)) for level in (0.0, 2.0, 20.0)]
    none, some, all_of_it = (worth(writer, tasks) for writer in levels)
    assert none < some < all_of_it


def test_slips_break_the_grammar(tasks):
    slipping = replace(PERFECT, slip=0.3)
    assert (
        mean(gold(t, text).attributes["fluency"] for t, text in zip(tasks, texts(slipping, tasks), strict=True)) < 0.9
    )
    assert worth(slipping, tasks) < worth(PERFECT, tasks)


def test_who_is_always_tempted_says_forbidden_words_at_times(tasks):
    banned = [task for task in tasks if task.forbidden]
    tempted = replace(PERFECT, temptation=1.0)
    said = [
        gold(t, text).attributes["forbidden"] == 0.0 for t, text in zip(banned, texts(tempted, banned), strict=True)
    ]
    assert 0 < sum(said) < len(said)


def test_nonsense_is_said_by_those_who_say_it(tasks):
    assert all(NONSENSE in text for text in texts(replace(PERFECT, nonsense=1.0), tasks))
    assert not any(NONSENSE in text for text in texts(PERFECT, tasks))


def test_a_higher_temperature_draws_the_same_author_in_a_worse_state(world):
    taken = {field.name: 0.0 for field in fields(PERFECT) if field.name not in ("skill", "slip", "temptation")}
    calm, hot = (draw_writer(3, skill=4.0, spread=1.0, temperature=t, slip=0.01, **taken) for t in (0.7, 1.4))
    assert all(hot.skill[slot] < calm.skill[slot] for slot in calm.skill)
    assert hot.slip > calm.slip
    assert draw_writer(4, skill=4.0, spread=1.0, temperature=0.7, slip=0.01, **taken).skill != calm.skill
