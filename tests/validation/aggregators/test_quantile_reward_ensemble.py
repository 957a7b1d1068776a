"""Tests of the quantile over members."""

import pytest
import torch

from rlhf_pipeline.validation.aggregators import Context
from rlhf_pipeline.validation.aggregators.quantile_reward_ensemble import Params, aggregate

CONTEXT = Context(groups=())


@pytest.mark.parametrize(("level", "reward"), [(0, 1.0), (0.25, 2.0), (0.5, 3.0), (1, 5.0), (0.125, 1.5)])
def test_the_level_goes_from_the_least_to_the_greatest(level, reward):
    members = torch.tensor([[5.0], [1.0], [3.0], [2.0], [4.0]])
    assert aggregate(members, CONTEXT, Params(level=level)).item() == pytest.approx(reward)


def test_a_lower_level_is_never_more_hopeful():
    rewards = torch.randn(5, 30, generator=torch.Generator().manual_seed(0))
    assert (aggregate(rewards, CONTEXT, Params(level=0.2)) <= aggregate(rewards, CONTEXT, Params(level=0.4))).all()
