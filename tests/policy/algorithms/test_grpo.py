"""Tests of GRPO as configured here; what holds for every algorithm stands in tests/policy/test_training.py."""

import pytest
from pydantic import ValidationError
from trl import GRPOConfig

from rlhf_pipeline.policy import trainers
from rlhf_pipeline.policy.algorithms import grpo


@pytest.fixture
def setup(reference):
    from datasets import Dataset

    from rlhf_pipeline import models

    policy, tokenizer = models.load_policy(reference)
    dataset = Dataset.from_list([{"prompt": [{"role": "user", "content": "paint red"}], "prompt_index": 0}] * 4)

    def proxy_reward(completions, **_):
        return [float(len(completion[-1]["content"])) for completion in completions]

    return trainers.Setup(policy, tokenizer, dataset, proxy_reward, seed=3)


def test_settings_reach_the_trainer(setup):
    params = grpo.Params(beta=0.3, epsilon=0.1, scale_rewards="none", loss_type="dr_grpo", num_steps=7)
    made = grpo.trainer(setup, params)
    assert (made.args.beta, made.args.epsilon, made.args.scale_rewards) == (0.3, 0.1, "none")
    assert (made.loss_type, made.args.max_steps, made.args.seed) == ("dr_grpo", 7, 3)
    assert (made.temperature, made.top_k, made.top_p) == (1.0, 0, 1.0)


def test_without_a_kl_term_there_is_no_second_model(setup):
    assert grpo.trainer(setup, grpo.Params(beta=0.0)).ref_model is None


def test_passes_over_the_prompts_become_steps(setup):
    params = grpo.Params(num_steps=None, num_epochs=4, batch_size=16, num_generations=8)
    # 4 prompts × 8 completions × 4 passes in batches of 16.
    assert grpo.trainer(setup, params).args.max_steps == 8


@pytest.mark.parametrize("wrong", [{"beta": -0.1}, {"scale_rewards": "sometimes"}, {"temperature": 2.0}])
def test_a_setting_out_of_range_is_refused(wrong):
    with pytest.raises(ValidationError):
        grpo.Params(**wrong)


@pytest.mark.parametrize("vllm", [{"mode": "colocate"}, {"mode": "server", "server_url": "http://localhost:8000"}])
def test_generation_through_vllm_is_trls(setup, vllm, monkeypatch):
    monkeypatch.setattr("rlhf_pipeline.adapters.find_spec", lambda name: name)
    made = GRPOConfig(**trainers.arguments(setup, grpo.Params(vllm=vllm | {"memory_fraction": 0.4}, max_length=99)))
    assert (made.use_vllm, made.vllm_mode, made.vllm_max_model_length) == (True, vllm["mode"], 99)
    assert (made.vllm_gpu_memory_utilization, made.vllm_server_base_url) == (0.4, vllm.get("server_url"))


def test_vllm_that_is_not_installed_is_named(setup):
    with pytest.raises(ModuleNotFoundError, match=r"policy\.settings\.vllm needs vllm"):
        grpo.trainer(setup, grpo.Params(vllm={}))
