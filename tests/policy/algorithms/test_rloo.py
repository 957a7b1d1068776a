"""Tests of RLOO as configured here; what holds for every algorithm stands in tests/policy/test_training.py."""

from datasets import Dataset

from rlhf_pipeline import models
from rlhf_pipeline.policy import trainers
from rlhf_pipeline.policy.algorithms import rloo


def test_settings_reach_the_trainer(reference):
    policy, tokenizer = models.load_policy(reference)
    dataset = Dataset.from_list([{"prompt": [{"role": "user", "content": "paint red"}], "prompt_index": 0}] * 4)

    def proxy_reward(completions, **_):
        return [0.0] * len(completions)

    setup = trainers.Setup(policy, tokenizer, dataset, proxy_reward, seed=3)
    params = rloo.Params(beta=0.3, epsilon=0.1, normalize_advantages=False, num_steps=7)
    made = rloo.trainer(setup, params)
    assert (made.args.beta, made.args.epsilon, made.args.normalize_advantages) == (0.3, 0.1, False)
    assert (made.args.max_steps, made.args.seed) == (7, 3)
    assert (made.temperature, made.top_k, made.top_p) == (1.0, 0, 1.0)
