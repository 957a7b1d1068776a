"""Adapters and what they need; that they train and merge is tested in tests/test_families.py."""

import importlib.util
from types import SimpleNamespace

import pytest
import torch
from pydantic import ValidationError

from rlhf_pipeline import adapters, models, training
from rlhf_pipeline.adapters import Lora
from rlhf_pipeline.rewards.training import Params

BITS = importlib.util.find_spec("bitsandbytes") is not None


def test_without_adapters_nothing_is_configured():
    assert adapters.peft_config(None, "SEQ_CLS") is None
    assert adapters.quantization(None) is adapters.quantization(Lora()) is None


def test_the_head_of_a_reward_model_is_trained_whole():
    made = adapters.peft_config(Lora(rank=3, alpha=6, targets=["q_proj"]), "SEQ_CLS")
    assert (made.r, made.lora_alpha, set(made.target_modules)) == (3, 6, {"q_proj"})
    assert made.modules_to_save == ["score"]
    assert adapters.peft_config(Lora(), "CAUSAL_LM").modules_to_save is None


def test_a_package_that_is_missing_is_named_with_the_remedy():
    with pytest.raises(ModuleNotFoundError, match=r"x\.y needs no_such_package, which is not installed: do this"):
        adapters.require("no_such_package", "x.y", "do this")


@pytest.mark.skipif(BITS, reason="bitsandbytes is installed")
def test_four_bits_ask_for_their_package():
    with pytest.raises(ModuleNotFoundError, match=r"lora\.four_bit needs bitsandbytes.* pip install -e '\.\[gpu\]'"):
        training.weights(Params(lora=Lora(four_bit=True)))


@pytest.mark.parametrize("wrong", [{"rank": 0}, {"dropout": 1}, {"targets": "everything"}, {"rang": 4}])
def test_settings_out_of_range_are_refused(wrong):
    with pytest.raises(ValidationError):
        Lora(**wrong)


def test_packed_weights_cannot_be_made_even():
    with pytest.raises(ValidationError, match="leave one of them out"):
        Params(even_attention=True, lora=Lora(four_bit=True))


def test_weights_that_training_changes_are_in_float32():
    dtypes = [training.weights(Params(**kind))["dtype"] for kind in ({}, {"precision": "bf16"})]
    assert dtypes == [torch.float32, torch.float32]
    assert training.weights(Params(precision="bf16", lora=Lora()))["dtype"] == torch.bfloat16


def test_adapters_trained_beside_four_bits_are_merged_into_the_weights_as_they_were(tiny_trunk):
    """The merge of four_bit on weights that are in float32, so that it needs no GPU."""
    from peft import get_peft_model

    load = lambda: models.load_policy(tiny_trunk)[0]  # noqa: E731
    lora = Lora(rank=2, four_bit=True)
    trained = get_peft_model(load(), adapters.peft_config(lora, "CAUSAL_LM"))
    for name, parameter in trained.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter)
    expected = trained(torch.tensor([[5, 6, 7]])).logits
    merged = adapters.merge(trained, lora, load)
    assert not [name for name, _ in merged.named_parameters() if "lora" in name]
    assert torch.allclose(merged(torch.tensor([[5, 6, 7]])).logits, expected, atol=1e-4)
    assert not torch.allclose(load()(torch.tensor([[5, 6, 7]])).logits, expected, atol=1e-2)


def test_a_finished_model_has_the_precision_of_its_settings():
    linear = torch.nn.Linear(2, 2)
    unused = SimpleNamespace()
    assert training.finish(linear, Params(), unused).weight.dtype == torch.float32
    assert training.finish(linear, Params(precision="bf16"), unused).weight.dtype == torch.bfloat16
