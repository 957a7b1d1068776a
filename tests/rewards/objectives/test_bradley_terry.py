import math

import pytest
import torch

from rlhf_pipeline.rewards.objectives.bradley_terry import Params, loss

PLAIN = Params(centring=0.0)


def one(chosen, rejected, margin=0.0, params=PLAIN):
    return loss(torch.tensor([chosen]), torch.tensor([rejected]), torch.tensor([margin]), params).item()


def test_the_loss_is_log_two_when_rewards_are_equal():
    assert one(1.5, 1.5) == pytest.approx(math.log(2))


def test_a_pair_that_is_right_three_times_in_four():
    # a difference of log 3 is a probability of 3/4, so the loss is log 4/3
    assert one(math.log(3), 0.0) == pytest.approx(math.log(4 / 3))


def test_turning_a_pair_around_adds_its_difference():
    assert one(0.2, 0.9) - one(0.9, 0.2) == pytest.approx(0.7)


def test_a_constant_on_both_sides_changes_nothing_without_centring():
    assert one(5.0, 4.0) == pytest.approx(one(1.0, 0.0))


def test_losses_are_not_averaged():
    rewards = torch.tensor([1.0, 2.0, 3.0])
    assert loss(rewards, rewards, torch.zeros(3), PLAIN).shape == (3,)


@pytest.mark.parametrize("size", [1e4, -1e4])
def test_the_gradient_is_finite_far_away(size):
    chosen = torch.tensor([size], requires_grad=True)
    rejected = torch.tensor([-size], requires_grad=True)
    value = loss(chosen, rejected, torch.zeros(1), PLAIN)
    value.sum().backward()
    assert value.isfinite().all()
    assert chosen.grad.item() == pytest.approx(0.0 if size > 0 else -1.0)
    assert rejected.grad.item() == -chosen.grad.item()


def test_a_margin_is_a_distance_still_wanted():
    scaled = Params(centring=0.0, margin_scale=2.0)
    assert one(2.0, 0.0, margin=1.0, params=scaled) == pytest.approx(math.log(2))
    assert one(2.0, 0.0, margin=0.5, params=scaled) == pytest.approx(one(1.0, 0.0))
    assert one(2.0, 0.0, margin=1.0) == pytest.approx(one(2.0, 0.0))  # left out unless scaled


def test_centring_costs_the_squared_sum_and_nothing_at_opposite_rewards():
    centred = Params(centring=0.1)
    assert one(2.0, 1.0, params=centred) - one(2.0, 1.0) == pytest.approx(0.9)
    assert one(1.0, -1.0, params=centred) == pytest.approx(one(1.0, -1.0))


def test_a_negative_scale_is_refused():
    with pytest.raises(ValueError, match="margin_scale"):
        Params(margin_scale=-1.0)
