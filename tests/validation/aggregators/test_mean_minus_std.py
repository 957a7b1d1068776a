"""Tests of the mean less the spread."""

import pytest
import torch

from rlhf_pipeline import methods
from rlhf_pipeline.validation.aggregators import Context, mean_minus_std
from rlhf_pipeline.validation.aggregators.mean_minus_std import Params, aggregate

CONTEXT = Context(groups=())
REWARDS = torch.tensor([[1.0, 5.0], [3.0, 5.0]])


def test_disagreement_costs_c_times_its_standard_deviation():
    assert aggregate(REWARDS, CONTEXT, Params(c=0.5)).tolist() == [1.5, 5.0]


def test_without_weight_it_is_the_mean():
    assert aggregate(REWARDS, CONTEXT, Params(c=0)).tolist() == [2.0, 5.0]


def test_one_member_alone_gives_its_own_reward():
    assert aggregate(torch.tensor([[1.0, -2.0]]), CONTEXT, Params(c=3)).tolist() == [1.0, -2.0]


def test_a_negative_weight_is_refused():
    with pytest.raises(methods.MethodError, match="c: Input should be greater than or equal to 0"):
        methods.settings(mean_minus_std, {"c": -1})
