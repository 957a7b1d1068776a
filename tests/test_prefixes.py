"""What texts begin with, read once, changes nothing that a model says."""

import pytest
import torch

from rlhf_pipeline import models, prefixes
from rlhf_pipeline.scoring import TOLERANCE
from tests.checkpoints import FAMILIES


@pytest.fixture(params=FAMILIES)
def model(request, families):
    from transformers import AutoModelForCausalLM

    return AutoModelForCausalLM.from_pretrained(families[request.param], dtype=torch.float32).eval()


@pytest.fixture
def texts():
    """Five texts on two prefixes, the first of three tokens and padded on the left."""
    ids = torch.randint(5, 20, (5, 9), generator=torch.Generator().manual_seed(0))
    mask = torch.ones_like(ids)
    number = torch.tensor([0, 1, 1, 0, 1])
    ids[:, :5] = ids[number, :5]
    mask[number == 0, :2] = 0
    return ids, mask, number


def test_texts_that_go_on_from_a_prefix_are_read_as_whole_ones(model, texts):
    ids, mask, number = texts
    assert prefixes.can_read(model)
    with torch.no_grad():
        whole = model(input_ids=ids, attention_mask=mask, position_ids=prefixes.positions(mask)).logits
        begun = prefixes.read(model, ids[[0, 1], :5], mask[[0, 1], :5])
        found = begun.go_on(model, number, ids[:, 5:], mask[:, 5:]).logits
    assert torch.allclose(found, whole[:, 5:], rtol=0, atol=TOLERANCE)
    assert begun.cache.get_seq_length() == 5  # the texts wrote into copies


@pytest.mark.parametrize("says_so", [True, False])
def test_a_model_that_looks_ahead_is_found_out(families, monkeypatch, says_so):
    from transformers.models.qwen3 import modeling_qwen3

    model = models.load_policy(families["qwen"])[0].eval()
    if says_so:
        model.model.layers[1].self_attn.is_causal = False
    else:
        monkeypatch.setattr(modeling_qwen3, "create_causal_mask", look_ahead)
    assert not prefixes.can_read(model)


def look_ahead(inputs_embeds, past_key_values=None, **_):
    count = inputs_embeds.shape[1]
    before = past_key_values.get_seq_length() if past_key_values is not None else 0
    return torch.ones(len(inputs_embeds), 1, count, before + count, dtype=torch.bool)


def test_a_model_without_keys_is_not_asked(monkeypatch):
    from transformers import BertConfig, BertForSequenceClassification

    sizes = {"vocab_size": 30, "hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2}
    assert not prefixes.can_read(BertForSequenceClassification(BertConfig(**sizes, intermediate_size=8)))


def test_dropout_is_off_while_a_model_is_asked_and_on_again_after(tiny_trunk):
    model = models.load_policy(tiny_trunk)[0].train()
    for layer in model.model.layers:
        layer.self_attn.attention_dropout = 0.5
    assert prefixes.can_read(model)
    assert model.training
