"""Tests of the pairs that DPO trains on; what holds for every algorithm stands in tests/policy/test_training.py."""

import pytest
from datasets import Dataset
from pydantic import ValidationError

from rlhf_pipeline import models
from rlhf_pipeline.mistakes import Mistake
from rlhf_pipeline.policy.algorithms import dpo
from rlhf_pipeline.policy.trainers import Setup
from rlhf_pipeline.records import text

PARAMS = dpo.Params(num_generations=4, batch_size=8, max_completion_length=6, max_length=32, num_steps=2)


@pytest.fixture
def setup(reference, prompts):
    """Return a function that makes a setup with a reward: takes a completion's text, its prompt's number, its place."""

    def make(reward) -> Setup:
        rows = [{"prompt": row["prompt"], "prompt_index": i, "row": row["id"]} for i, row in enumerate(prompts)]

        def reward_function(completions, prompt_index, **_):
            said = zip(completions, prompt_index, strict=True)
            return [reward(text(one), index, place) for place, (one, index) in enumerate(said)]

        return Setup(*models.load_policy(reference), Dataset.from_list(rows), reward_function, seed=3)

    return make


def test_the_best_of_a_prompts_completions_is_preferred_to_the_worst(setup):
    pairs = dpo.draw_pairs(setup(lambda said, index, place: said.split().count("red")), PARAMS)
    assert pairs.column_names == ["prompt", "chosen", "rejected", "row"]
    for pair in pairs:
        assert text(pair["chosen"]).split().count("red") > text(pair["rejected"]).split().count("red")


def test_prompts_whose_completions_tie_are_left_out(setup):
    pairs = dpo.draw_pairs(setup(lambda said, index, place: place if index == 5 else 0.0), PARAMS)
    assert pairs["row"] == ["p5"]
    with pytest.raises(Mistake, match="all 4 completions of each of 12 prompts alike: no pair"):
        dpo.draw_pairs(setup(lambda said, index, place: 0.0), PARAMS)


def test_a_batch_is_the_same_however_many_rows_are_in_memory(setup):
    for rows_at_once, at_once, steps in ((None, 4, 1), (4, 2, 2), (2, 1, 4), (1, 1, 4)):
        params = PARAMS.model_copy(update={"rows_at_once": rows_at_once})
        args = dpo.trainer(setup(lambda said, index, place: place), params).args
        assert (args.per_device_train_batch_size, args.gradient_accumulation_steps) == (at_once, steps)


def test_the_reference_is_a_copy_that_training_does_not_change(setup):
    made = dpo.trainer(setup(lambda said, index, place: place), PARAMS)
    assert made.ref_model is not made.model
    assert not made.ref_model.training


@pytest.mark.parametrize("wrong", [{"idle_groups": "skip"}, {"num_iterations": 2}, {"difficulty": {}}])
def test_what_chooses_among_completions_in_training_is_refused(wrong):
    with pytest.raises(ValidationError, match="draw completions in training; take it out"):
        dpo.Params(**wrong)
