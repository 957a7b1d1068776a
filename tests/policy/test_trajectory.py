"""Tests of what is recorded while a policy is trained."""

from types import SimpleNamespace

import pytest

from rlhf_pipeline.policy.trajectory import COLUMNS, Recorder, summarise


def log(recorder: Recorder, step: int, **logs: float) -> None:
    recorder.on_log(None, SimpleNamespace(global_step=step), None, logs={"loss": 0.0, **logs})


def test_kl_per_token_becomes_nats_per_completion():
    recorder = Recorder(lambda step: [], 10)
    log(recorder, 1, proxy=0.5, kl=0.1, **{"completions/mean_length": 20.0})
    assert recorder.rows == [{"step": 0, "proxy_reward": 0.5, "completion_tokens": 20.0, "kl": pytest.approx(2.0)}]


def test_the_closing_log_of_a_training_is_no_row():
    recorder = Recorder(lambda step: [], 10)
    recorder.on_log(None, SimpleNamespace(global_step=1), None, logs={"train_loss": 0.0, "train_runtime": 3.0})
    assert recorder.rows == []


def test_last_is_the_mean_of_the_last_tenth():
    rows = [{name: float(n) for name in COLUMNS} for n in range(20)]
    metrics = summarise(rows)
    assert (metrics["proxy_reward/first"], metrics["proxy_reward/last"]) == (0.0, 18.5)
