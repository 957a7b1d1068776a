"""Tests of the bootstrap of what is not a mean."""

import numpy as np

from rlhf_pipeline.validation.checks._resampling import percentile_interval, resampled_sums


def test_one_cluster_leaves_nothing_to_resample():
    total, draws = resampled_sums(np.array([[1.0, 2.0], [3.0, 4.0]]), ["a", "a"], seed=0)
    assert total.tolist() == [4, 6]
    assert (draws == total).all()


def test_a_cluster_is_drawn_whole():
    _, draws = resampled_sums(np.array([[1.0], [10.0], [100.0]]), ["a", "a", "b"], seed=0)
    assert set(draws[:, 0]) == {22.0, 111.0, 200.0}


def test_an_interval_holds_its_value_though_the_resamples_lie_to_one_side():
    interval = percentile_interval(0.1, np.array([0.2, 0.3, 0.4]))
    assert interval.low == interval.value == 0.1
