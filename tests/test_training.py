import pytest

from rlhf_pipeline.training import TrainingParams, arguments, curve

PARAMS = TrainingParams(learning_rate=0.01, batch_size=10, num_epochs=2, warmup_fraction=0.1)


def test_warm_up_is_a_share_of_all_steps():
    assert arguments(PARAMS, num_rows=500, seed=3)["warmup_steps"] == 10  # of 2 x 500 / 10


def test_fewer_rows_than_a_batch_still_make_a_step():
    assert arguments(PARAMS, num_rows=3, seed=0)["logging_steps"] == 1


def test_a_batch_may_pass_through_memory_in_parts():
    made = arguments(PARAMS.model_copy(update={"rows_at_once": 5}), num_rows=500, seed=0)
    assert (made["per_device_train_batch_size"], made["gradient_accumulation_steps"]) == (5, 2)
    assert made["warmup_steps"] == 10
    with pytest.raises(ValueError, match="no multiple of rows_at_once"):
        TrainingParams(learning_rate=0.1, batch_size=10, rows_at_once=3)


def test_precision_and_recomputing_reach_the_trainer():
    made = arguments(PARAMS.model_copy(update={"precision": "bf16", "gradient_checkpointing": True}), 10, 0)
    assert (made["bf16"], made["gradient_checkpointing"]) == (True, True)


def test_trl_takes_the_arguments_and_reports_and_saves_nothing():
    from trl import RewardConfig, SFTConfig

    for config in (SFTConfig, RewardConfig):
        made = config(**arguments(PARAMS, num_rows=100, seed=7))
        assert (made.seed, made.data_seed, made.bf16) == (7, 7, False)
        assert (str(made.save_strategy.value), made.report_to) == ("no", [])


def test_a_curve_keeps_the_wanted_columns_under_their_new_names():
    log = [{"step": 1, "loss": 2, "lr": 0.1}, {"step": 1, "eval_accuracy": 0.5}, {"step": 2, "runtime": 3.0}]
    rows = curve(log, {"loss": "loss", "eval_accuracy": "accuracy"})
    assert rows == [{"step": 1, "loss": 2.0}, {"step": 1, "accuracy": 0.5}]


@pytest.mark.parametrize(
    "setting", [{"learning_rate": 0}, {"batch_size": 0}, {"warmup_fraction": 1}, {"max_length": 1}]
)
def test_settings_out_of_range_are_refused(setting):
    with pytest.raises(ValueError, match=next(iter(setting))):
        TrainingParams(**{"learning_rate": 0.1, "batch_size": 1} | setting)
