"""Tests of the monitors' claims: what is counted, on cases whose answer is known."""

import numpy as np
import pytest
import torch

from benchmarks.claims.audit import alarm_on_a_member_that_drifts as drifts
from benchmarks.claims.audit import contradiction_gains_by_joining as joined
from benchmarks.claims.lab import Lab
from benchmarks.claims.parts import samples
from benchmarks.claims.policy import a_tether_lets_drift_rest, random_rewards_teach_the_able
from benchmarks.claims.sizes import TOY


def test_the_bias_of_the_last_night_in_time_is_more_than_one_spread_of_the_first_member_alone():
    rewards = np.random.default_rng(0).normal(size=(4, 2000))
    still, moved = (drifts.nights(rewards, np.random.default_rng(1), 25, step) for step in (0.0, drifts.STEP))
    added = [(b.rewards - a.rewards).std(axis=1) / rewards[0].std() for a, b in zip(still, moved, strict=True)]
    assert np.array(added)[: drifts.BEFORE + 1].max() == 0
    assert added[-1] == pytest.approx([1.4, 0, 0, 0], abs=1e-9)


def test_what_differs_from_night_to_night_is_as_large_as_between_two_fine_tunings():
    shared = np.random.default_rng(0).normal(size=(2, 20_000))
    # Members 0 and 2 share a row, and 1 and 3; each has noise of 0.5 of its own.
    noise = np.random.default_rng(2).normal(size=(4, 20_000))
    rewards = np.concatenate([shared, shared]) + 0.5 * noise
    first, second = drifts.nights(rewards, np.random.default_rng(3), 2)
    assert (first.rewards - second.rewards).std(axis=1) == pytest.approx([0.5 * 2**0.5] * 4, rel=0.05)


def test_two_halves_of_gold_gain_by_joining_and_come_before_two_of_a_kind():
    generator = torch.Generator().manual_seed(0)
    a, b = torch.randn(2, 50, 16, generator=generator)
    rewards = torch.stack([a, a + 0.1 * torch.randn(50, 16, generator=generator), b])
    gains = joined.gains_in_order(rewards, a + b)
    assert min(gains[:2]) > 0.3 > abs(gains[2])


def test_prompts_are_halved_by_how_often_the_reference_passes(monkeypatch):
    gold = torch.tensor([[0.0, 0, 0, 0], [5, 5, 5, 5], [5, 0, 0, 0], [4.1, 0, 4.1, 0]])
    monkeypatch.setattr(samples, "gold", lambda *_: gold)
    monkeypatch.setattr(samples, "best_possible", lambda *_: torch.full((4,), 5.0))
    # k is the four samples, so any pass is one; of equals the first is taken.
    assert random_rewards_teach_the_able.able(None, None).tolist() == [False, True, True, False]
    monkeypatch.setattr(random_rewards_teach_the_able, "Params", lambda: type("Params", (), {"k": 1}))
    assert random_rewards_teach_the_able.able(None, None).tolist() == [False, True, False, True]


@pytest.mark.slow
def test_each_claim_is_measured_in_a_small_world(tmp_path):
    lab = Lab(7, TOY, tmp_path)
    assert -1 <= drifts.measure(lab, {}) <= 1
    assert np.isfinite([joined.measure(lab, {"place": place}) for place in (0, -1)]).all()
    # A toy policy has fewer steps than the monitor needs.
    assert a_tether_lets_drift_rest.measure(lab, {}) == 0
    gained = [random_rewards_teach_the_able.measure(lab, {"is_able": is_able}) for is_able in (True, False)]
    assert np.isfinite(gained).all()
