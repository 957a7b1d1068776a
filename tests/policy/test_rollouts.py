"""Tests of trainers that weigh completions by a rule: the loss's gradient is the rule's, and no KL term is in it."""

import pytest
import torch
from datasets import Dataset

from rlhf_pipeline import models
from rlhf_pipeline.policy import rollouts, trainers


@pytest.fixture
def one_step(reference, prompts):
    """Return a function that takes one plain gradient step by a rule, and gives the rollout and the weights' change."""

    def run(rule, **overrides):
        policy, tokenizer = models.load_policy(reference)
        params = rollouts.Params(
            num_steps=1, batch_size=8, num_generations=4, max_completion_length=6, warmup_fraction=0.0, **overrides
        )
        data = Dataset.from_list([{"prompt": p["prompt"], "prompt_index": 0, "row": p["id"]} for p in prompts])
        seen = []

        def rule_and_keep(rollout, settings):
            assert settings is params
            seen.append(rollout)
            return rule(rollout)

        def reward(completions, **_):
            return [float(len(completion[-1]["content"])) for completion in completions]

        setup = trainers.Setup(policy, tokenizer, data, reward, seed=3)
        trainer = rollouts.trainer(rule_and_keep, setup, params)
        grads = {}
        trainer._clip_grad_norm = lambda model: [
            grads.update({n: p.grad.clone() for n, p in model.named_parameters() if p.grad is not None}),
            torch.tensor(1.0),
        ][1]
        trainer.train()
        return seen[0], grads, policy

    return run


def test_weights_of_zero_move_nothing_though_beta_is_not_zero(one_step):
    _, grads, _ = one_step(lambda rollout: torch.zeros_like(rollout.rewards), beta=0.5)
    assert all(not grad.any() for grad in grads.values())


def test_a_rule_is_given_whole_groups_with_the_reward_of_each_completion(one_step):
    rollout, _, _ = one_step(lambda rollout: rollout.rewards)
    assert rollout.groups.shape == (2, 4)
    assert torch.equal(rollout.groups.flatten(), rollout.rewards)
    # The reward counts letters: a completion of no tokens but its end has none, all others have some.
    assert torch.equal(rollout.rewards > 0, rollout.mask.sum(dim=1) > 1)
    assert torch.allclose(rollout.logps * rollout.mask, rollout.ref_logps * rollout.mask, atol=1e-5)


def test_twice_the_weights_is_twice_the_gradient(one_step):
    _, once, _ = one_step(lambda rollout: rollout.rewards)
    _, twice, _ = one_step(lambda rollout: 2 * rollout.rewards)
    assert any(grad.abs().max() > 1e-6 for grad in once.values())
    assert all(torch.allclose(2 * once[name], twice[name], rtol=1e-4, atol=1e-7) for name in once)
