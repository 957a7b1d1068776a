import pytest
import torch

from rlhf_pipeline import models
from rlhf_pipeline.rewards.batches import rewards, split


def test_a_batch_is_split_where_padding_costs_more_than_another_pass():
    assert split([10, 50, 11, 9], part_tokens=20) == [[3, 0, 2], [1]]
    assert split([10, 50, 11, 9], part_tokens=120) == [[3, 0, 2, 1]]


def test_equal_lengths_stay_together_and_free_passes_part_all_others():
    assert split([5, 5, 5], part_tokens=1) == [[0, 1, 2]]
    assert split([5, 7, 5, 6], part_tokens=0) in ([[0, 2], [3], [1]], [[0], [2], [3], [1]])


@pytest.fixture(scope="module")
def batch(tiny_trunk):
    """Return a model and a batch in which one row is long."""
    model, tokenizer = models.reward_model_from(tiny_trunk, seed=0)
    ids = [[7 + n % 9] * length for n, length in enumerate([3, 40, 5, 3, 4, 38])]
    padded = tokenizer.pad({"input_ids": ids}, return_tensors="pt")
    return model, padded["input_ids"], padded["attention_mask"]


def gradients(model, loss):
    model.zero_grad()
    loss.backward()
    return [parameter.grad.clone() for parameter in model.parameters()]


def test_parts_have_the_rewards_and_gradients_of_the_whole(batch, monkeypatch):
    model, ids, mask = batch
    whole = model(input_ids=ids, attention_mask=mask, use_cache=False).logits
    expected = gradients(model, whole.tanh().sum())
    seen = []
    handle = model.register_forward_pre_hook(
        lambda _, args, given: seen.append(given["input_ids"].shape), with_kwargs=True
    )
    monkeypatch.setattr("rlhf_pipeline.rewards.batches.split", lambda lengths: split(lengths, part_tokens=10))
    found = rewards(model, ids, mask)
    handle.remove()
    assert seen == [(4, 5), (2, 40)]
    assert torch.allclose(found, whole, atol=1e-5)
    for one, other in zip(gradients(model, found.tanh().sum()), expected, strict=True):
        assert torch.allclose(one, other, atol=1e-5)
