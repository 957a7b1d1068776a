"""One small world, drawn once, and tasks of it."""

import random
from types import SimpleNamespace

import pytest

from rlhf_pipeline.simulation.prompts import draw_phrasing, render
from rlhf_pipeline.simulation.world import World, WorldParams


@pytest.fixture(scope="session")
def world():
    """Return a world with its usual parameters."""
    return World(5, WorldParams())


@pytest.fixture(scope="session")
def tasks(world):
    """Return 200 tasks of both sides of the shift."""
    rng = random.Random(1)
    return [world.draw_task(rng, is_shifted=number % 4 == 0) for number in range(200)]


@pytest.fixture(scope="session")
def asked(world):
    """Return prompts with their tasks, of policy prompts' kind."""
    rng = random.Random(2)
    made = [world.draw_task(rng) for _ in range(60)]
    return [SimpleNamespace(task=task, prompt=render(task, draw_phrasing(rng, False))) for task in made]
