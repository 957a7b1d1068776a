"""Tests of the proxy reward on members whose reward is known."""

from types import SimpleNamespace

import pytest
import torch

from rlhf_pipeline import models
from rlhf_pipeline.policy.proxy import Proxy, measure_proxy

SURE = {"sim_threshold": 0.9}


def conversations(prompts):
    return [row["prompt"] for row in prompts]


def test_a_reward_is_counted_from_the_references_own(ensemble, prompts):
    proxy = Proxy(ensemble(), conversations(prompts), torch.full((2, len(prompts)), 1.0) * torch.tensor([[1.0], [2.0]]))
    # 'paint blue red' holds one red; the baseline is one red, in each member's unit.
    number = next(n for n, row in enumerate(prompts) if row["prompt"][0]["content"] == "paint blue red")
    rewards = proxy.rate([number, number], ["red red", "blue"])
    assert rewards.reward.tolist() == [2.0, 0.0]
    assert rewards.disagreement.tolist() == [0.0, 0.0]


def test_what_a_member_adds_to_all_completions_of_a_prompt_changes_nothing(ensemble, reference, prompts):
    policy, tokenizer = models.load_policy(reference)
    index, texts = [0, 3, 7, 7], ["red", "blue red", "red red", ""]
    rated = []
    for shifted in (False, True):
        made = ensemble(shifted=shifted)
        proxy = measure_proxy(
            made, policy, tokenizer, conversations(prompts), num_references=3, max_new_tokens=5, seed=0
        )
        rated.append(proxy.rate(index, texts).reward)
    assert proxy.baseline[0].max() > 10
    assert torch.allclose(*rated, atol=1e-4)


def test_global_normalisation_takes_no_baseline(ensemble, prompts):
    baseline = torch.full((2, len(prompts)), 100.0)
    plain = Proxy(ensemble(normalisation="global"), conversations(prompts), baseline).rate([6], ["red"])
    # One red in the prompt and one in the completion, by weights 1 and 2.
    assert plain.normalised.flatten().tolist() == [2.0, 4.0]


def test_an_aggregator_that_reads_texts_is_told_prompt_and_completion(ensemble, prompts):
    asked = conversations(prompts)
    known = {"prompts": [asked[6][0]["content"]], "completions": ["red red"], "rewards": [9.0]}
    proxy = Proxy(
        ensemble(aggregator="reward_fusion", fitted=known, settings=SURE), asked, torch.zeros(2, len(prompts))
    )
    plain = Proxy(ensemble(), asked, torch.zeros(2, len(prompts))).rate([6, 6, 1], ["red red", "blue", "red red"])
    fused = proxy.rate([6, 6, 1], ["red red", "blue", "red red"])
    assert fused.reward[0] == pytest.approx((plain.reward[0] + 9) / 2)
    assert fused.reward[1:].tolist() == plain.reward[1:].tolist()


def test_the_reward_function_takes_what_the_trainer_gives_and_logs(ensemble, prompts):
    proxy = Proxy(ensemble(), conversations(prompts), torch.zeros(2, len(prompts)))
    logged = {}
    function = proxy.reward_function(lambda asked, ids: float(len(asked)))
    found = function(
        prompts=conversations(prompts)[1:2], completions=[[{"role": "assistant", "content": " red "}]],
        completion_ids=[[1]], prompt_index=[1], log_metric=logged.__setitem__,
        trainer_state=SimpleNamespace(global_step=0),
    )  # fmt: skip
    assert found == pytest.approx(proxy.rate([1], ["red"]).reward.tolist())
    own = logged.pop("proxy")
    assert own == pytest.approx(found[0])
    assert logged == {"disagreement": 0.0, "kl_sum": 1.0}


def test_shaping_changes_what_the_trainer_sees_and_not_what_is_logged(ensemble, prompts):
    proxy = Proxy(ensemble(), conversations(prompts), torch.zeros(2, len(prompts)))
    logged, batches = {}, []

    def shape(rewards, batch):
        batches.append(batch)
        return 10 * rewards

    function = proxy.reward_function(shape=shape, seed=5)
    found = function(
        prompts=conversations(prompts)[1:3], completions=[[{"role": "assistant", "content": " red "}]] * 2,
        completion_ids=[[1, 2], [1]], prompt_index=[1, 2], log_metric=logged.__setitem__,
        trainer_state=SimpleNamespace(global_step=7),
    )  # fmt: skip
    own = proxy.rate([1, 2], ["red", "red"]).reward
    assert found == pytest.approx((10 * own).tolist())
    assert logged["proxy"] == pytest.approx(own.mean().item())
    batch = batches[0]
    assert (batch.prompts, batch.lengths.tolist(), batch.step, batch.seed) == ([1, 2], [2, 1], 7, 5)
    assert batch.conversations[0] == [*conversations(prompts)[1], {"role": "assistant", "content": "red"}]
