"""Tests of the members' vote by rank."""

import torch

from rlhf_pipeline.validation.aggregators import Context
from rlhf_pipeline.validation.aggregators.multiwinner_rank_aggregation import Params, aggregate


def test_ranks_are_among_the_completions_of_a_prompt():
    rewards = torch.tensor([[1.0, 2.0, 3.0, 50.0, 40.0]])
    context = Context(groups=["a", "a", "a", "b", "b"])
    assert aggregate(rewards, context, Params()).tolist() == [-1.0, 0.0, 1.0, 1.0, -1.0]


def test_a_wild_member_has_one_vote():
    rewards = torch.tensor([[1.0, 0.0], [1.0, 0.0], [-1000.0, 1000.0]])
    scores = aggregate(rewards, Context(groups=[0, 0]), Params())
    assert scores[0] > 0 > scores[1]
    assert rewards.mean(dim=0).argmax() == 1  # which the mean does not survive


def test_ties_are_halves_and_a_single_completion_has_no_rank():
    rewards = torch.tensor([[1.0, 1.0, 7.0]])
    assert aggregate(rewards, Context(groups=["a", "a", "b"]), Params()).tolist() == [0.0, 0.0, 0.0]
