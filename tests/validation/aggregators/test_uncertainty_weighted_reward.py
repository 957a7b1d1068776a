"""Tests of rewards that count less where members disagree."""

import math

import pytest
import torch

from rlhf_pipeline.validation.aggregators import Context
from rlhf_pipeline.validation.aggregators.uncertainty_weighted_reward import Params, aggregate

CONTEXT = Context(groups=())


def test_full_agreement_leaves_the_mean():
    rewards = torch.tensor([[2.0, -1.0], [2.0, -1.0]])
    assert aggregate(rewards, CONTEXT, Params()).tolist() == [2.0, -1.0]


def test_a_disagreement_of_one_temperature_leaves_one_part_in_e():
    rewards = torch.tensor([[1.0], [3.0]])  # mean 2, standard deviation 1
    assert aggregate(rewards, CONTEXT, Params(temperature=1, floor=0)).item() == pytest.approx(2 / math.e)


def test_no_weight_falls_below_the_floor_and_a_floor_of_one_is_the_mean():
    rewards = torch.tensor([[-50.0], [90.0]])
    assert aggregate(rewards, CONTEXT, Params(floor=0.1)).item() == pytest.approx(2.0)
    assert aggregate(rewards, CONTEXT, Params(floor=1)).item() == 20.0


def test_an_uncertain_bad_reward_is_drawn_to_zero_too():
    calm, wild = torch.tensor([[-2.0], [-2.0]]), torch.tensor([[-4.0], [0.0]])
    assert aggregate(wild, CONTEXT, Params()) > aggregate(calm, CONTEXT, Params())
