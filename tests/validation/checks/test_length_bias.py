"""Tests of length bias."""

import pytest
import torch

from rlhf_pipeline.validation.checks.length_bias import correlation


def test_a_scorer_of_length_prefers_the_longer_and_fails_where_the_shorter_is_right(inputs, run_audit):
    found = run_audit(inputs, ["length_only"], checks=["length_bias"])
    assert found.value("prefers_longer/ensemble") == 1
    assert found.value("length_bias/ensemble") == pytest.approx(1 - found.value("prefers_longer/annotators"))
    assert found.value("accuracy_shorter_chosen/ensemble") == 0
    assert found.value("length_correlation/ensemble") == pytest.approx(1)
    assert not found.judge({"length_bias/ensemble": {"at_most": 0.2}}).admitted


def test_a_scorer_that_follows_the_annotators_has_their_bias_and_no_more(inputs, run_audit):
    found = run_audit(inputs, ["perfect"], checks=["length_bias"])
    assert found.value("length_bias/ensemble") == 0
    assert found.value("accuracy_shorter_chosen/ensemble") == 1
    assert found.judge({"length_bias/ensemble": {"at_most": 0.2}}).admitted


def test_the_correlation_is_worked_out_by_hand():
    # (1*2 + 2*1) / sqrt((1+4) * (4+1)) = 4/5
    interval = correlation(torch.tensor([1.0, 2.0]), torch.tensor([2.0, 1.0]), ["a", "b"], seed=0)
    assert interval.value == pytest.approx(0.8)
    assert interval.low <= 0.8 <= interval.high


def test_a_scorer_without_spread_has_no_correlation(inputs, run_audit):
    assert run_audit(inputs, ["constant"], checks=["length_bias"]).value("length_correlation/ensemble") is None
