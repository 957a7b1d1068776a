"""Tests of PPO's rewards, advantages and value head; what holds for all stands in tests/policy/test_training.py."""

import pytest
import torch
from datasets import Dataset

from rlhf_pipeline import models
from rlhf_pipeline.policy import trainers
from rlhf_pipeline.policy.algorithms import ppo_kl
from rlhf_pipeline.policy.algorithms.ppo_kl import gae, standardise, token_rewards
from rlhf_pipeline.policy.rollouts import Rollout

MASK = torch.tensor([[1, 1, 1], [1, 1, 0]])


def test_the_reward_comes_with_the_last_token_and_every_token_pays_its_log_ratio():
    logps = torch.tensor([[-1.0, -2.0, -1.0], [-1.0, -1.0, -9.0]])
    ref = torch.tensor([[-1.5, -1.0, -1.0], [-2.0, -1.0, -1.0]])
    found = token_rewards(Rollout(torch.tensor([3.0, 7.0]), 2, MASK, logps, ref), beta=0.1)
    assert torch.allclose(found, torch.tensor([[-0.05, 0.1, 3.0], [-0.1, 7.0, 0.0]]))


def test_with_lambda_1_an_advantage_is_what_is_still_to_come_less_the_value():
    rewards = torch.tensor([[1.0, 2.0, 3.0], [1.0, 5.0, 0.0]])
    values = torch.tensor([[0.5, 0.5, 0.5], [2.0, 2.0, 99.0]])
    advantages, returns = gae(rewards, values, MASK, gamma=1.0, lam=1.0)
    assert torch.allclose(advantages, torch.tensor([[5.5, 4.5, 2.5], [4.0, 3.0, 0.0]]))
    assert torch.allclose(returns, torch.tensor([[6.0, 5.0, 3.0], [6.0, 5.0, 0.0]]))


def test_with_lambda_0_it_is_one_steps_error():
    # r + gamma * next value - value: 1 + 0.5 * 4 - 2 = 1; 2 + 0.5 * 6 - 4 = 1; 3 + 0 - 6 = -3.
    advantages, _ = gae(torch.tensor([[1.0, 2.0, 3.0]]), torch.tensor([[2.0, 4.0, 6.0]]), MASK[:1], gamma=0.5, lam=0.0)
    assert torch.allclose(advantages, torch.tensor([[1.0, 1.0, -3.0]]))


def test_a_batchs_advantages_have_mean_0_and_spread_1_over_its_tokens():
    found = standardise(torch.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 77.0]]), MASK)
    inside = found[MASK.bool()]
    assert found[1, 2] == 0
    assert inside.mean().item() == pytest.approx(0, abs=1e-6)
    assert inside.std(correction=0).item() == pytest.approx(1, rel=1e-5)
    assert not standardise(torch.ones(2, 3), MASK).any()


def test_the_value_head_learns_what_is_still_to_come(reference, prompts):
    policy, tokenizer = models.load_policy(reference)
    data = Dataset.from_list([{"prompt": p["prompt"], "prompt_index": 0, "row": p["id"]} for p in prompts])
    setup = trainers.Setup(policy, tokenizer, data, lambda completions, **_: [5.0] * len(completions), seed=3)
    sizes = {"num_steps": 30, "batch_size": 16, "num_generations": 4, "max_completion_length": 6}
    trainer = ppo_kl.trainer(setup, ppo_kl.Params(learning_rate=0.05, beta=0.0, lam=1.0, value_weight=1.0, **sizes))
    trainer.train()
    losses = [row["value_loss"] for row in trainer.state.log_history if "value_loss" in row]
    assert losses[0] == pytest.approx(25, rel=1e-3)
    assert sum(losses[-3:]) / 3 < 2.5


def test_the_value_head_is_taken_off_before_the_policy_is_saved(run, tmp_path):
    run("ppo_kl", out=tmp_path / "tuned")
    assert not hasattr(models.load_policy(tmp_path / "tuned")[0], "value_head")
    assert "value_head" not in str(models.load_policy(tmp_path / "tuned")[0].state_dict().keys())


def test_the_value_head_is_trained_beside_adapters(run, tmp_path):
    lora = {"rank": 4, "alpha": 8, "targets": "all-linear"}
    result = run("ppo_kl", num_steps=6, learning_rate=0.02, lora=lora, out=tmp_path / "tuned")
    assert result["trajectory"][-1]["kl"] != 0
    assert not hasattr(models.load_policy(tmp_path / "tuned")[0], "value_head")


def test_four_bits_and_a_value_head_exclude_each_other(run, monkeypatch):
    monkeypatch.setattr("rlhf_pipeline.adapters.quantization", lambda lora: None)
    with pytest.raises(Exception, match=r"four_bit.*value_head"):
        run("ppo_kl", lora={"four_bit": True})
