"""Tests of the weighing of nominal and worst case."""

import pytest
import torch

from rlhf_pipeline.validation.aggregators import Context
from rlhf_pipeline.validation.aggregators.bayesian_reward_ensemble_robust import Params, aggregate

CONTEXT = Context(groups=())
REWARDS = torch.tensor([[1.0, 5.0], [3.0, -1.0]])


@pytest.mark.parametrize(("weight", "rewards"), [(1, [2.0, 2.0]), (0, [1.0, -1.0]), (0.5, [1.5, 0.5])])
def test_the_weight_goes_from_the_least_to_the_mean(weight, rewards):
    assert aggregate(REWARDS, CONTEXT, Params(nominal_weight=weight)).tolist() == rewards
