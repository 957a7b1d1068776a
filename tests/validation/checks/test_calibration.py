"""Tests of calibration."""

import numpy as np
import pytest

from rlhf_pipeline.validation.checks.calibration import calibration_error, fit_temperature


def test_the_temperature_of_margins_that_are_log_odds_is_one():
    margins = np.random.default_rng(0).normal(0, 2, size=20_000)
    flips = np.random.default_rng(1).random(20_000) < 1 / (1 + np.exp(-margins))
    assert fit_temperature(np.where(flips, margins, -margins)) == pytest.approx(1, abs=0.05)


def test_the_temperature_grows_with_the_margins():
    margins = np.array([3.0, 1.0, -1.0, 2.0, -0.5])
    assert fit_temperature(10 * margins) == pytest.approx(10 * fit_temperature(margins), rel=1e-3)


@pytest.mark.parametrize("margins", [np.zeros(0), np.zeros(5)])
def test_margins_that_say_nothing_leave_the_temperature_at_one(margins):
    assert fit_temperature(margins) == 1


def test_the_error_is_worked_out_by_hand():
    # Bin 0: gaps 0.1 and -0.3, sum -0.2; bin 1: gap 0.5. (0.2 + 0.5) / 3.
    interval = calibration_error(np.array([0.1, -0.3, 0.5]), np.array([0, 0, 1]), ["a", "b", "c"], seed=0)
    assert interval.value == pytest.approx(0.7 / 3)
    assert interval.low <= interval.value <= interval.high


def test_a_scorer_that_knows_nothing_has_the_brier_score_of_a_guess(inputs, run_audit):
    found = run_audit(inputs, ["constant"], checks=["calibration"])
    assert found.value("brier/ensemble") == pytest.approx(0.25)
    assert found.value("ece/ensemble") == pytest.approx(0)


def test_a_scorer_sure_on_validation_and_wrong_on_test_is_found_out(inputs, run_audit, scorers):
    def known_before(prompt, completion):
        is_validation = int(prompt.split()[1]) >= 1000
        return scorers["perfect"](prompt, completion) * (1 if is_validation else -1)

    scorers["overfitted"] = known_before
    found = run_audit(inputs, ["overfitted"], checks=["calibration"])
    assert found.value("ece/ensemble") > 0.9
    assert not found.judge({"ece/ensemble": {"at_most": 0.1}}).admitted
    assert run_audit(inputs, ["perfect"], checks=["calibration"]).judge({"ece/ensemble": {"at_most": 0.1}}).admitted


def test_the_bins_hold_every_test_pair_once(inputs, run_audit):
    rows = run_audit(inputs, ["length_only"], checks=["calibration"]).results["calibration"].rows
    assert sum(row["count"] for row in rows) == len(inputs.test)
    assert all(0.5 <= row["predicted"] <= 1 and 0 <= row["observed"] <= 1 for row in rows)
