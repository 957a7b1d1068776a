"""Tests of the audit's claims: what is counted, on cases whose answer is known."""

import random

import numpy as np
import pytest

from benchmarks.claims.audit import (
    balance_needs_no_bins,
    excess_tells_bias_from_quality,
    expected_grades_contradict_less,
    probes_foretell_gold,
    steady_judges_are_right,
)
from benchmarks.claims.lab import Lab
from benchmarks.claims.parts import judged, relabelled, worlds
from benchmarks.claims.sizes import TOY
from rlhf_pipeline.records import text


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    return Lab(7, TOY, tmp_path_factory.mktemp("parts"))


def test_who_is_as_sure_as_right_has_no_error_and_who_is_a_tenth_surer_has_a_tenth():
    right = np.linspace(0.5, 0.85, 400)
    assert balance_needs_no_bins.true_error(right, right) == 0
    assert balance_needs_no_bins.true_error(right, right + 0.1) == pytest.approx(0.1)
    halves = right + np.where(np.arange(400) < 200, 0.1, -0.1)
    assert balance_needs_no_bins.true_error(right, np.sort(halves)) > 0.02
    assert abs((right - halves).mean()) < 1e-9  # what the Balance score sees of both halves together


def test_ties_in_rating_are_left_out_and_the_better_rated_side_is_chosen(lab):
    rows = {row["id"]: row for row in relabelled.as_ranked(lab)}
    rated = relabelled.as_rated(lab)
    assert len(rated) == sum(row["chosen_rating"] != row["rejected_rating"] for row in rows.values())
    for row in rated:
        before = rows[row["id"]]
        assert (row["chosen"] == before["chosen"]) == (before["chosen_rating"] > before["rejected_rating"])
        assert {text(row["chosen"]), text(row["rejected"])} == {text(before["chosen"]), text(before["rejected"])}


def test_most_of_the_judges_own_sides_are_the_better_ones(lab):
    world, rng = worlds.world(lab), random.Random(0)
    rows = [excess_tells_bias_from_quality.signed(lab, row, rng) for row in worlds.pairs(lab, "test")[:200]]
    lead = []
    for row in rows:
        own, other = sorted(row["author"], key=lambda side: row["author"][side] != "judge")
        worth = [world.gold(text(row["prompt"]), text(row[side])).total for side in (own, other)]
        lead.append(worth[0] >= worth[1])
    assert 0.7 < np.mean(lead) < 0.92


def test_a_side_is_described_by_gold(lab):
    row = probes_foretell_gold.described(lab, worlds.pairs(lab, "test")[0])
    found = worlds.world(lab).gold(text(row["prompt"]), text(row["chosen"])).attributes
    assert row["chosen_fluency"] == found["fluency"]
    assert 0 <= row["chosen_met"] <= 1


def test_a_judge_without_error_or_bias_contradicts_nothing_and_one_with_bias_does(lab):
    planned = judged.plan(lab, ["judge_consistency", "judge_consistency_sage"], {})
    sound, biased = (
        judged.findings(lab, planned, judged.judge(lab, planned, error=error, bias=bias))
        for error, bias in ((0.0, 0.0), (0.0, 3.0))
    )
    assert sound["position_bias/ensemble"] == pytest.approx(0, abs=1e-6)
    assert sound["conflict_ratio/ensemble"] < 0.05
    assert biased["order_swap_instability/ensemble"] > 0.5


def test_joined_orders_contradict_the_grades_less_than_verdicts_that_must_agree(lab):
    plain, joined = (
        expected_grades_contradict_less.measure(lab, {"finding": f"conflict_ratio{kind}/ensemble"})
        for kind in ("_plain", "")
    )
    assert joined < plain


def test_stability_and_accuracy_of_judges_are_ranked_against_each_other(lab, monkeypatch):
    monkeypatch.setattr(steady_judges_are_right, "BIASES", (0.0, 0.0))
    assert steady_judges_are_right.measure(lab, {}) > 0.6  # what errs more, errs more in either order
