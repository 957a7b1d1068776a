"""Tests of the law of over-optimisation: a planted law is found again, with its peak and an honest interval."""

import math

import numpy as np
import pytest

from rlhf_pipeline.policy.guard.overoptimization_curve import Params, fit, kl_of_best_of, reward_at

KL = np.linspace(0, 36, 13)


def gains(law, alpha, beta, num_prompts=40, noise=0.0, seed=0):
    d = np.sqrt(KL)[:, None]
    bend = d * d if law == "best_of_n" else d * np.log(np.maximum(d, 1e-12))
    drawn = np.random.default_rng(seed).normal(size=(len(KL), num_prompts))
    return alpha * d - beta * bend + noise * drawn


@pytest.mark.parametrize(
    ("law", "alpha", "beta", "peak"), [("rl", 3.0, 2.0, math.exp(0.5)), ("best_of_n", 2.0, 0.4, 2.5)]
)
def test_a_planted_law_is_found_again(law, alpha, beta, peak):
    curve = fit(KL, gains(law, alpha, beta), Params(law=law))
    assert (curve.alpha, curve.beta, curve.r_squared) == pytest.approx((alpha, beta, 1.0))
    assert curve.peak.value == pytest.approx(peak)
    assert curve.is_past
    at_peak = reward_at(curve, peak**2, law)
    assert at_peak > max(reward_at(curve, (peak * off) ** 2, law) for off in (0.9, 1.1))


def test_the_interval_holds_the_true_peak_in_most_noisy_trainings():
    held = []
    for seed in range(100):
        peak = fit(KL, gains("rl", 3.0, 2.0, noise=3.0, seed=seed)).peak
        held.append(peak.low <= math.exp(0.5) <= peak.high)
    assert 88 <= sum(held) <= 100


def test_a_healthy_climb_has_no_peak_behind_it():
    rising = np.sqrt(KL)[:, None] * np.ones((1, 40))
    assert not fit(KL, rising).is_past
    bending_up = fit(KL, gains("best_of_n", 1.0, -0.1), Params(law="best_of_n"))
    assert bending_up.peak.value is None
    assert "rises for ever" in bending_up.peak.note
    later = fit(KL, gains("rl", 8.0, 3.0, noise=0.5))  # its peak is at exp(8 / 3 - 1) = 5.3 of 6 root nats
    assert later.peak.value == pytest.approx(math.exp(8 / 3 - 1), rel=0.15)


def test_a_reward_that_only_falls_has_its_peak_at_the_reference():
    curve = fit(KL, gains("best_of_n", -1.0, 0.2), Params(law="best_of_n"))
    assert curve.peak.value == 0
    assert curve.is_past


def test_means_alone_give_a_peak_without_an_interval():
    curve = fit(KL, gains("rl", 3.0, 2.0, num_prompts=1))
    assert curve.peak.value == pytest.approx(math.exp(0.5))
    assert curve.peak.low is None
    assert not curve.is_past


def test_best_of_n_is_as_far_as_its_formula_says():
    # The exact divergence of the best of n among equally likely ranks is that of the density n u^(n-1).
    u = (np.arange(200_000) + 0.5) / 200_000
    for n in (1, 2, 16):
        density = n * u ** (n - 1)
        assert kl_of_best_of(n) == pytest.approx(
            float((density * np.log(np.maximum(density, 1e-300))).mean()), abs=1e-4
        )


def test_two_checkpoints_are_too_few():
    with pytest.raises(ValueError, match="a law needs 3"):
        fit(np.array([0.0, 1.0, 2.0]), np.zeros((3, 5)))
