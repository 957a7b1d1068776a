"""Tests of verdicts: paired effects in, words out."""

import numpy as np
import pytest
from scipy import stats

from benchmarks.claims.judging import MIN_SEEDS, control_discoveries, judge


@pytest.mark.parametrize(
    ("effects", "verdict"),
    [
        ([0.5, 0.6, 0.55, 0.5, 0.6, 0.5, 0.55, 0.6], "holds"),
        ([-0.5, -0.6, -0.55, -0.5, -0.6, -0.5, -0.55, -0.6], "reversed"),
        ([0.01, -0.01, 0.0, 0.02, -0.02, 0.01, 0.0, 0.0], "negligible"),
        ([0.9, -0.9, 1.0, -1.0, 0.8, -0.8, 0.9, -0.9], "inconclusive"),
        ([0.11, 0.12, 0.09, 0.10, 0.11, 0.12, 0.10, 0.09], "inconclusive"),  # above zero, not above what counts
        ([0.5] * (MIN_SEEDS - 1), "inconclusive"),
        ([0.5] * MIN_SEEDS, "holds"),  # no spread at all: a method that is exact
        ([0.0] * MIN_SEEDS, "negligible"),
        ([0.5], "inconclusive"),
        ([], "missing"),
    ],
)
def test_a_verdict_follows_from_the_interval_and_the_smallest_size(effects, verdict):
    assert judge(effects, smallest=0.1).verdict == verdict


def test_the_interval_is_the_paired_t_interval():
    effects = [0.2, 0.4, 0.1, 0.5, 0.3, 0.2, 0.6, 0.1]
    told = judge(effects, smallest=0.1)
    low, high = stats.t.interval(0.95, 7, loc=np.mean(effects), scale=stats.sem(effects))
    assert (told.low, told.high) == pytest.approx((low, high))
    beyond = stats.ttest_1samp(effects, 0.1, alternative="greater").pvalue
    assert told.p == pytest.approx(2 * beyond)


def test_few_seeds_are_told():
    assert judge([0.5, 0.5, 0.5], smallest=0.1).note == "3 of 8 seeds"


def test_a_family_of_methods_that_do_nothing_discovers_next_to_nothing():
    rng, found = np.random.default_rng(0), 0
    for _ in range(40):
        family = {str(n): judge(rng.normal(0.0, 1.0, MIN_SEEDS), smallest=1e-9) for n in range(50)}
        found += any(e.verdict in ("holds", "reversed") for e in control_discoveries(family).values())
    assert found <= 5  # 5 % of forty families, with room for chance; uncontrolled it would be nearly all


def test_a_strong_effect_survives_among_many_that_do_nothing():
    rng = np.random.default_rng(1)
    family = {str(n): judge(rng.normal(0.0, 1.0, MIN_SEEDS), smallest=0.05) for n in range(50)}
    family["real"] = judge(rng.normal(3.0, 0.3, MIN_SEEDS), smallest=0.05)
    told = control_discoveries(family)
    assert told["real"].verdict == "holds"
    lost = [name for name in family if family[name].verdict != told[name].verdict]
    assert all("false discovery rate" in told[name].note for name in lost)
