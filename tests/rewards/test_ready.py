import pytest

from rlhf_pipeline import models
from rlhf_pipeline.models import CheckpointError
from rlhf_pipeline.records import assistant, hash_folder, user
from rlhf_pipeline.rewards import ready

PAIRS = [
    {"prompt": user(f"say {c}"), "chosen": assistant(f"{c} good"), "rejected": assistant(f"{c} bad")} for c in "abcd"
]


def test_a_ready_member_is_its_trunk_to_the_byte_and_is_measured(tiny_trunk, tmp_path):
    models.save_model(tmp_path / "trunk", *models.reward_model_from(tiny_trunk, 0))
    found = ready.keep(tmp_path / "trunk", PAIRS, tmp_path / "member")
    assert hash_folder(tmp_path / "member") == hash_folder(tmp_path / "trunk")
    assert found["metrics"]["num_pairs"] == 0
    assert 0 <= found["metrics"]["validation_accuracy"] <= 1
    assert found["curve"] == []


def test_a_language_model_is_no_ready_member(tiny_trunk, tmp_path):
    with pytest.raises(CheckpointError, match="its head would be random"):
        ready.keep(tiny_trunk, PAIRS, tmp_path / "member")
