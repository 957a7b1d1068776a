"""Tests of how saved samples are read: step by step, prompts in one order, and everything by hand."""

import math

import numpy as np
import pytest

from rlhf_pipeline.policy.guard.reward_hack_monitor import Report
from rlhf_pipeline.policy.saved_steps import describe, read_steps
from rlhf_pipeline.records import assistant

ROWS = [
    {"step": 5, "kl": 3.0, "logp": -2.0, "completion_tokens": 4, "is_truncated": True, "completion": "a b a b"},
    {"step": 0, "kl": 0.0, "logp": -6.0, "completion_tokens": 2, "is_truncated": False, "completion": "c d"},
    {"step": 5, "kl": 1.0, "logp": -1.0, "completion_tokens": 2, "is_truncated": False, "completion": "a b"},
    {"step": 0, "kl": 0.0, "logp": -2.0, "completion_tokens": 2, "is_truncated": False, "completion": "e f"},
]
INDEX = ["p", "q", "q", "p"]


@pytest.fixture
def steps():
    rows = [{**row, "completion": assistant(row["completion"])} for row in ROWS]
    proxy, disagreement, held_out = (np.array(values) for values in ([7.0, 1, 8, 2], [0.2, 0, 0.4, 0], [5.0, 3, 6, 4]))
    return read_steps(rows, INDEX, proxy, disagreement, held_out)


def test_steps_stand_in_order_and_prompts_in_the_same_order_in_each(steps):
    assert [one.step for one in steps] == [0, 5]
    assert [one.proxy.tolist() for one in steps] == [[2, 1], [7, 8]]
    assert [one.held_out.tolist() for one in steps] == [[4, 3], [5, 6]]


def test_what_needs_no_judge_is_read_off_the_samples(steps):
    first, last = steps
    assert (first.kl, last.kl) == (0, 2)
    assert (first.length, last.length) == (2, 3)
    assert (first.entropy, last.entropy) == (2.0, 0.5)  # nats per token: 8 of 4, 3 of 6
    assert (first.truncated, last.truncated) == (0, 0.5)
    assert (first.distinct_2, last.distinct_2) == (1, 0.5)  # a b, b a, a b | a b: two of four
    assert last.disagreement == pytest.approx(0.3)
    assert not math.isnan(last.repetition)


def test_an_alarm_is_told_in_one_line_and_none_in_none():
    assert describe(Report({0: [], 5: ["held_out_falls", "length"]}, [5], 0)) == (
        "step 5: held out falls, length; best by then: step 0"
    )
    assert describe(Report({0: []}, [], 0)) == ""
