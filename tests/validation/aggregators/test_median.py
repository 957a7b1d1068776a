"""Tests of the median over members."""

import torch

from rlhf_pipeline.validation.aggregators import Context
from rlhf_pipeline.validation.aggregators.median import Params, aggregate

CONTEXT = Context(groups=())


def test_the_median_of_three_is_the_one_in_the_middle():
    assert aggregate(torch.tensor([[1.0, 7.0], [4.0, -1.0], [9.0, 2.0]]), CONTEXT, Params()).tolist() == [4.0, 2.0]


def test_the_median_of_four_is_the_mean_of_the_two_in_the_middle():
    assert aggregate(torch.tensor([[1.0], [2.0], [4.0], [100.0]]), CONTEXT, Params()).tolist() == [3.0]


def test_one_wild_member_moves_nothing():
    calm = torch.tensor([[1.0], [2.0], [3.0]])
    wild = torch.tensor([[1.0], [2.0], [3e6]])
    assert aggregate(calm, CONTEXT, Params()).tolist() == aggregate(wild, CONTEXT, Params()).tolist()
