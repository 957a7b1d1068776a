"""Tests of online DPO's weights; what holds for every algorithm stands in tests/policy/test_training.py."""

import pytest
import torch

from rlhf_pipeline.policy.algorithms import online_dpo
from rlhf_pipeline.policy.rollouts import Rollout

BETA = 0.5


def test_the_weights_give_the_gradient_of_dpos_loss():
    generator = torch.Generator().manual_seed(0)
    logps = torch.randn(6, 4, generator=generator, requires_grad=True)
    ref = torch.randn(6, 4, generator=generator)
    mask = torch.tensor([[1, 1, 1, 1], [1, 1, 0, 0], [1, 0, 0, 0]] * 2)
    rewards = torch.tensor([0.0, 2.0, 1.0, 5.0, 4.0, 3.0])
    ratios = ((logps - ref) * mask).sum(dim=1)
    best, worst = torch.tensor([1, 3]), torch.tensor([0, 5])
    loss = -torch.nn.functional.logsigmoid(BETA * (ratios[best] - ratios[worst])).sum()
    (expected,) = torch.autograd.grad(loss, logps)
    weights = online_dpo.weigh(Rollout(rewards, 3, mask, logps.detach(), ref), online_dpo.Params(beta=BETA))
    assert torch.allclose(-weights[:, None] * mask, expected, atol=1e-6)


def test_a_prompt_whose_rewards_tie_weighs_nothing():
    zeros, mask = torch.zeros(4, 1), torch.ones(4, 1)
    rollout = Rollout(torch.tensor([1.0, 1.0, 0.0, 1.0]), 2, mask, zeros, zeros)
    weights = online_dpo.weigh(rollout, online_dpo.Params(beta=BETA))
    assert weights.tolist() == pytest.approx([0, 0, -BETA / 2, BETA / 2])
