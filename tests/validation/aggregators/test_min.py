"""Tests of the least over members."""

import torch

from rlhf_pipeline.validation.aggregators import Context
from rlhf_pipeline.validation.aggregators.min import Params, aggregate

CONTEXT = Context(groups=())


def test_the_least_is_taken_for_each_completion():
    assert aggregate(torch.tensor([[1.0, 7.0], [4.0, -1.0]]), CONTEXT, Params()).tolist() == [1.0, -1.0]


def test_a_further_member_never_raises_the_reward():
    rewards = torch.randn(5, 20, generator=torch.Generator().manual_seed(0))
    assert (aggregate(rewards, CONTEXT, Params()) <= aggregate(rewards[:4], CONTEXT, Params())).all()
