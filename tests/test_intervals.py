import math

import numpy as np
import pytest

from rlhf_pipeline import intervals
from rlhf_pipeline.intervals import mean_interval


def test_the_interval_of_a_constant_is_a_point():
    found = mean_interval([0.25] * 40)
    assert (found.value, found.low, found.high) == (0.25, 0.25, 0.25)


def test_no_values_are_not_measured_and_say_so():
    found = mean_interval([])
    assert (found.value, found.low, found.high, found.note) == (None, None, None, "no items")


def test_the_width_is_that_of_the_normal_approximation():
    # 200 wins of 400: standard error sqrt(0.5 * 0.5 / 400) = 0.025, so 0.5 ± 0.049.
    found = mean_interval([0.0, 1.0] * 200)
    assert found.value == 0.5
    assert found.low == pytest.approx(0.451, abs=0.008)
    assert found.high == pytest.approx(0.549, abs=0.008)


def test_a_planted_defect_of_twelve_points_is_seen_by_four_hundred_items():
    assert mean_interval([1.0] * 176 + [0.0] * 224).high < 0.5 < mean_interval([1.0] * 224 + [0.0] * 176).low


def test_copies_of_one_cluster_do_not_narrow_the_interval():
    values = [0.0, 1.0] * 10
    clusters = [str(number) for number in range(20)]
    one = mean_interval(values, clusters)
    tenfold = mean_interval(values * 10, clusters * 10)
    naive = mean_interval(values * 10)
    assert tenfold.high - tenfold.low == pytest.approx(one.high - one.low)
    assert naive.high - naive.low < 0.5 * (tenfold.high - tenfold.low)


def test_clusters_weigh_by_their_rows():
    # One cluster of three ones, one of a single zero: the mean over rows is 3/4, not 1/2.
    assert mean_interval([1.0, 1.0, 1.0, 0.0], ["a", "a", "a", "b"]).value == 0.75


def test_a_handful_of_independent_items_give_their_mean_and_no_interval():
    found = mean_interval([0.0, 1.0, 1.0, 0.0] * 50, ["a", "b", "b", "a"] * 50)
    assert (found.value, found.low, found.high) == (0.5, None, None)
    assert "fewer than 10 independent items" in found.note
    assert mean_interval([1.0] * 9).low is None
    assert mean_interval([1.0] * 10).low == 1.0


def test_the_names_and_order_of_clusters_do_not_matter():
    values = [float(number % 3) for number in range(30)]
    groups = [number // 3 for number in range(30)]
    plain = mean_interval(values, [f"{g:02}" for g in groups])
    assert mean_interval(values, [f"prompt {g:02}" for g in groups]) == plain


def test_the_same_seed_gives_the_same_interval_and_another_does_not():
    values = np.random.default_rng(0).normal(size=50).tolist()
    assert mean_interval(values, seed=3) == mean_interval(values, seed=3)
    assert mean_interval(values, seed=3) != mean_interval(values, seed=4)


def test_a_value_that_is_not_a_number_is_not_hidden():
    found = mean_interval([0.5, float("nan"), *[0.5] * 10])
    assert math.isnan(found.value)


def test_nineteen_of_twenty_intervals_hold_the_truth():
    draws = np.random.default_rng(1)
    found = [mean_interval(draws.normal(size=60), seed=number) for number in range(200)]
    assert 0.90 <= np.mean([interval.low <= 0 <= interval.high for interval in found]) <= 0.98


def test_resamples_drawn_in_parts_are_those_drawn_at_once(monkeypatch):
    values = np.random.default_rng(0).random(50)
    at_once = mean_interval(values, seed=3)
    monkeypatch.setattr(intervals, "DRAWN_AT_ONCE", 50 * 7)
    assert mean_interval(values, seed=3) == at_once
