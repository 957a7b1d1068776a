"""Tests of which conversations every model can read."""

from rlhf_pipeline.records import assistant, user
from rlhf_pipeline.scoring import load_reward_model
from rlhf_pipeline.validation.context_length import fits_all


def test_a_conversation_beyond_the_context_does_not_fit(tmp_path, tiny_reward_model):
    tiny_reward_model(tmp_path / "a", seed=0)
    fits = fits_all([load_reward_model(tmp_path / "a")])
    short, long = user("paint") + assistant("red"), user("paint") + assistant("mud " * 200)
    assert fits([short, long]) == [True, False]
    assert fits([]) == []
