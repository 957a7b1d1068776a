"""Tests of the mean over members."""

import torch

from rlhf_pipeline.validation.aggregators import Context
from rlhf_pipeline.validation.aggregators.mean import Params, aggregate

CONTEXT = Context(groups=())


def test_the_mean_is_worked_out_by_hand():
    assert aggregate(torch.tensor([[1.0, -2.0], [3.0, 5.0]]), CONTEXT, Params()).tolist() == [2.0, 1.5]


def test_the_order_of_members_does_not_matter():
    rewards = torch.randn(4, 9, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(aggregate(rewards, CONTEXT, Params()), aggregate(rewards.flip(0), CONTEXT, Params()))
