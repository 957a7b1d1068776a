"""Tests of which completions RAFT keeps; what holds for every algorithm stands in tests/policy/test_training.py."""

import torch

from rlhf_pipeline.policy.algorithms import raft
from rlhf_pipeline.policy.rollouts import Rollout


def rollout(rewards, ratios=None):
    mask = torch.ones(len(rewards), 1)
    ratios = torch.tensor(ratios if ratios else [0.0] * len(rewards))[:, None]
    return Rollout(torch.tensor(rewards), 3, mask, ratios, torch.zeros_like(ratios))


def test_the_best_of_each_prompt_is_kept():
    found = raft.weigh(rollout([1.0, 3.0, 2.0, 0.0, -1.0, -2.0]), raft.Params())
    assert found.tolist() == [0, 1, 0, 1, 0, 0]


def test_as_many_as_asked_are_kept():
    assert raft.weigh(rollout([1.0, 3.0, 2.0]), raft.Params(num_kept=2)).tolist() == [0, 1, 1]
    assert raft.weigh(rollout([1.0, 3.0, 2.0]), raft.Params(num_kept=9)).tolist() == [1, 1, 1]


def test_a_prompt_whose_completions_tie_teaches_nothing():
    assert raft.weigh(rollout([2.0, 2.0, 2.0, 0.0, 1.0, 0.0]), raft.Params()).tolist() == [0, 0, 0, 0, 1, 0]


def test_beta_takes_the_log_ratio_off_before_the_ranking():
    given = rollout([1.0, 1.5, 0.0], [0.0, 4.0, 0.0])
    assert raft.weigh(given, raft.Params(beta=0.1)).tolist() == [0, 1, 0]  # 1.5 - 0.4 = 1.1
    assert raft.weigh(given, raft.Params(beta=0.2)).tolist() == [1, 0, 0]  # 1.5 - 0.8 = 0.7
