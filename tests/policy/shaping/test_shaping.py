"""Tests of the ordered list of shaping methods."""

import pytest
import torch

from rlhf_pipeline.methods import MethodError
from rlhf_pipeline.mistakes import Mistake
from rlhf_pipeline.policy.shaping import Batch, compose, reward_noise_injection

BATCH = Batch(["a", "a", "b"], [], torch.ones(3), step=2, seed=3)
NOISE = "reward_noise_injection"


def test_methods_are_applied_in_turn():
    settings, rewards = {NOISE: {"flip_probability": 1, "highest": 4}}, torch.tensor([0.0, 1.0, 4.0])
    assert compose([NOISE], settings)(rewards, BATCH).tolist() == [4, 3, 0]
    assert compose([NOISE, NOISE], settings)(rewards, BATCH).tolist() == [0, 1, 4]


def test_another_step_draws_anew_and_the_same_step_does_not():
    shape = compose([NOISE], {NOISE: {"flip_probability": 0.5}})
    rewards, prompts = torch.ones(64), list(range(64))
    first, again, later = (
        shape(rewards, Batch(prompts, [], torch.ones(64), step=step, seed=3)).tolist() for step in (2, 2, 3)
    )
    assert first == again != later


def test_no_method_leaves_the_rewards():
    assert compose([], {})(torch.tensor([1.0, 2.0]), BATCH).tolist() == [1, 2]


def test_settings_of_a_method_that_is_not_chosen_are_refused_by_name():
    with pytest.raises(MethodError, match="settings for shaping 'reward_noise_injektion', which is not chosen"):
        compose([NOISE], {"reward_noise_injektion": {}})


def test_a_method_that_raises_is_named_with_the_step(monkeypatch):
    def shape(rewards, batch, params):
        raise ZeroDivisionError("division by zero")

    monkeypatch.setattr(reward_noise_injection, "shape", shape)
    told = (
        r"shaping 'reward_noise_injection' failed at step 2: ZeroDivisionError: division by zero; mend policy/shaping/"
    )
    with pytest.raises(Mistake, match=told):
        compose([NOISE], {})(torch.ones(3), BATCH)
