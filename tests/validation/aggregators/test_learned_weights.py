"""Tests of weights learned on validation pairs."""

import pytest
import torch

from rlhf_pipeline.validation.aggregators import Context
from rlhf_pipeline.validation.aggregators.learned_weights import Params, aggregate, fit

NUM_PAIRS = 2000


@pytest.fixture
def margins():
    """Return a member that sees the truth, one that guesses, and one that is turned around."""
    drawn = torch.Generator().manual_seed(0)
    truth = torch.randn(NUM_PAIRS, generator=drawn)
    flips = (torch.rand(NUM_PAIRS, generator=drawn) < torch.sigmoid(-2 * truth)).float() * -2 + 1
    guess = torch.randn(NUM_PAIRS, generator=drawn)
    return torch.stack([truth, guess, -truth]) * flips


def test_a_member_that_helps_weighs_most_and_none_weighs_less_than_nothing(margins):
    weights = fit(margins, torch.zeros_like(margins), Params(ridge=0))["weights"]
    assert sum(weights) == pytest.approx(1)
    assert weights[0] > 0.9
    assert min(weights) >= 0


def test_a_heavy_ridge_leaves_the_weights_even(margins):
    assert fit(margins, torch.zeros_like(margins), Params(ridge=100))["weights"] == pytest.approx([1 / 3] * 3, abs=0.01)


def test_fitted_weights_are_used_and_none_is_the_mean():
    rewards = torch.tensor([[1.0, 2.0], [3.0, 8.0]])
    weighed = Context(groups=(), fitted={"weights": [0.75, 0.25]})
    assert aggregate(rewards, weighed, Params()).tolist() == [1.5, 3.5]
    assert aggregate(rewards, Context(groups=()), Params()).tolist() == [2.0, 5.0]
