import pytest

from rlhf_pipeline.evaluation.settings import evaluation_settings
from rlhf_pipeline.methods import MethodError


def test_overrides_replace_defaults():
    assert evaluation_settings({"num_samples": 2}).num_samples == 2
    assert evaluation_settings({}).num_prompts > 0


def test_an_unknown_setting_is_refused_with_a_near_one():
    with pytest.raises(MethodError, match=r"evaluation\.settings.*num_smaples.*num_samples"):
        evaluation_settings({"num_smaples": 2})


def test_a_setting_out_of_range_is_refused():
    with pytest.raises(MethodError, match="num_prompts"):
        evaluation_settings({"num_prompts": 0})
