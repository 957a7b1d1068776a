import json
import random

import pytest

from rlhf_pipeline.simulation.gold import gold
from rlhf_pipeline.simulation.prompts import is_held_out
from rlhf_pipeline.simulation.world import World, WorldParams


def test_a_world_is_rebuilt_from_what_it_writes(world, asked):
    again = World.from_json(json.loads(json.dumps(world.to_json())))
    assert (again.writers, again.annotators) == (world.writers, world.annotators)
    assert all(again.best(one.prompt) == world.best(one.prompt) for one in asked)


def test_another_seed_is_another_world(world):
    other = World(world.seed + 1, world.params)
    assert other.writers != world.writers
    assert other.annotators != world.annotators


def test_named_random_numbers_repeat_and_do_not_meet(world):
    assert world.rng("a", 1).random() == world.rng("a", 1).random()
    assert len({world.rng(*names).random() for names in (("a", 1), ("a", 2), ("b", 1), ())}) == 4


def test_evaluators_have_annotators_of_their_own(world):
    ours, theirs = ({a.name for a in group} for group in (world.annotators, world.evaluator_annotators))
    assert len(ours) == len(theirs) == world.params.num_annotators
    assert not ours & theirs
    assert [a.temperature for a in world.annotators] != [a.temperature for a in world.evaluator_annotators]


def test_tasks_lie_on_the_wanted_side_of_the_shift(world):
    rng = random.Random(0)
    for is_shifted in (False, True):
        drawn = [world.draw_task(rng, is_shifted) for _ in range(100)]
        assert {is_held_out(task, world.params.held_out_fraction) for task in drawn} == {is_shifted}


def test_gold_reads_the_task_from_the_prompt(world, asked):
    for one in asked[:10]:
        assert world.gold(one.prompt, "some words .") == gold(one.task, "some words .")


def test_every_author_writes_at_every_temperature(world):
    assert len(world.writers) == world.params.num_writers * len(world.params.temperatures)


def test_no_pair_has_an_author_of_nonsense_and_demonstrations_have(world):
    assert {writer.nonsense for writer in world.writers} == {0.0}
    assert min(writer.nonsense for writer in world.demonstrators) > 0


def test_faults_of_annotators_follow_their_parameters():
    careful = World(0, WorldParams(careless_fraction=0, intransitive_fraction=0, flip_rate=0.03))
    assert {a.flip for a in careful.annotators} == {0.03}
    assert not any(a.is_intransitive for a in careful.annotators)
    faulty = World(0, WorldParams(careless_fraction=0.5, careless_flip_rate=0.4, intransitive_fraction=0.25))
    assert sum(a.flip == 0.4 for a in faulty.annotators) == 0.5 * len(faulty.annotators)
    assert sum(a.is_intransitive for a in faulty.annotators) == 0.25 * len(faulty.annotators)


def test_an_unknown_property_is_refused():
    with pytest.raises(ValueError, match="num_writer"):
        WorldParams(num_writer=3)
