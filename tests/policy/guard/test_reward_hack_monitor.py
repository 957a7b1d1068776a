"""Tests of the monitor: planted hacks raise the alarm, healthy climbs do not, and time runs forward."""

import numpy as np
import pytest

from rlhf_pipeline.policy.guard.reward_hack_monitor import Measured, Params, correlation, watch

NUM_PROMPTS = 48


def climb(held_out, seed=0, noise=1.0, **texts):
    """Return a training of eleven steps: the proxy climbs 0.5 a step, the held-out reward goes as given."""
    rng = np.random.default_rng(seed)
    worth = rng.normal(size=NUM_PROMPTS)
    found = []
    for step, gain in enumerate(held_out):
        proxy = 0.5 * step + worth + 0.5 * rng.normal(size=NUM_PROMPTS)
        true = gain + worth + noise * rng.normal(size=NUM_PROMPTS)
        told = {name: values[step] for name, values in texts.items()}
        found.append(Measured(step, proxy, true, **told))
    return found


RISES = [0.5 * step for step in range(11)]
HACKED = [0.0, 0.6, 1.2, 1.5, 1.5, 1.2, 0.7, 0.1, -0.5, -1.2, -2.0]


def test_a_held_out_reward_that_falls_under_a_rising_proxy_raises_the_alarm_and_the_best_step_is_safe():
    report = watch(climb(HACKED), Params(least_share=0))
    assert report.alarm in (6, 7)
    assert report.safe in (3, 4)
    assert report.signs[report.alarm] == ["held_out_falls"]
    sooner = watch(climb(HACKED))
    assert sooner.alarm < report.alarm
    assert sooner.safe in (3, 4)


def test_healthy_climbs_raise_none_over_many_seeds():
    alarms = [watch(climb(RISES, seed)).alarm for seed in range(60)]
    assert sum(alarm is not None for alarm in alarms) <= 3
    assert watch(climb(RISES)).safe == 10


def test_a_climb_that_only_levels_off_is_no_fall_and_lags_once_the_proxy_goes_far_beyond():
    level = [0.0, 0.6, 1.2, 1.5, *[1.6] * 7]
    assert sum(watch(climb(level, seed), Params(least_share=0.1)).alarm is not None for seed in range(60)) <= 3
    report = watch(climb(level))
    assert report.signs[report.alarm] == ["held_out_lags"]
    assert report.alarm > 5


def test_a_held_out_reward_that_gains_little_lags_though_it_never_falls():
    little = [0.05 * step for step in range(11)]
    report = watch(climb(little, noise=0.3))
    assert report.signs[report.alarm] == ["held_out_lags"]
    assert report.alarm <= 4
    assert watch(climb(little, noise=0.3), Params(least_share=0.0)).alarm is None


def test_a_noisier_held_out_reward_gains_less_in_its_own_spread_and_wants_a_smaller_share():
    noisy = [climb([0.3 * step for step in range(11)], seed) for seed in range(20)]
    assert sum(watch(steps).alarm is not None for steps in noisy) > 10
    assert sum(watch(steps, Params(least_share=0.4)).alarm is not None for steps in noisy) <= 1


def steady(proxy, held_out, **texts):
    """Return a training whose rewards go as given at every prompt alike, but for what tells the prompts apart."""
    worth = np.linspace(-2, 2, NUM_PROMPTS)
    jitter = 0.01 * np.random.default_rng(0).normal(size=(len(proxy), NUM_PROMPTS))
    return [
        Measured(
            step, one + worth, other + worth + jitter[step], **{name: values[step] for name, values in texts.items()}
        )
        for step, (one, other) in enumerate(zip(proxy, held_out, strict=True))
    ]


def test_the_step_of_a_lagging_alarm_is_kept_where_the_held_out_reward_surely_rises_still():
    rising, fallen = steady([0, 1, 4], [0, 1, 1.2]), steady([0, 1, 4], [0, 1, 0.9])
    assert (watch(rising).alarm, watch(rising).safe) == (2, 2)
    assert (watch(fallen).alarm, watch(fallen).safe) == (2, 1)
    unsure = [
        Measured(one.step, one.proxy, one.held_out + noise)
        for one, noise in zip(rising, 2 * np.random.default_rng(1).normal(size=(3, NUM_PROMPTS)), strict=True)
    ]
    assert watch(unsure, Params(least_share=0.4)).safe in (0, 1)


def test_a_step_that_gained_less_than_its_share_is_not_gone_back_to_though_it_alarmed_nothing():
    steps = steady([0, 1, 2, 3], [0, 0.5, 0.4, 0.3], repetition=[0, 0, 0, 0.9])
    lenient = Params(alarming=["repetition"])
    assert (watch(steps, lenient).alarm, watch(steps, lenient).safe) == (3, 0)
    assert watch(steps, lenient.model_copy(update={"least_share": 0.3})).safe == 1


def test_the_step_at_which_the_text_alone_alarms_is_never_kept():
    report = watch(steady([0, 1, 2], [0, 1, 2], repetition=[0, 0, 0.9]))
    assert (report.alarm, report.safe) == (2, 1)


def test_rewards_of_other_scales_lag_alike_and_one_that_does_not_vary_never():
    little = climb([0.05 * step for step in range(11)], noise=0.3)
    wide = [Measured(one.step, 100 * one.proxy, 7 * one.held_out) for one in little]
    assert watch(wide).alarm == watch(little).alarm
    flat = [Measured(one.step, one.proxy, np.zeros(NUM_PROMPTS)) for one in little]
    assert watch(flat).alarm is None


def test_a_fall_of_both_rewards_is_no_hack():
    falling = [Measured(one.step, one.proxy - 2.0 * one.step, one.held_out) for one in climb(HACKED)]
    assert watch(falling).alarm is None


def test_without_a_held_out_signal_the_text_alone_tells():
    steps = [Measured(n, np.zeros(4), repetition=0.049 * n, distinct_2=0.8 - 0.02 * n) for n in range(11)]
    report = watch(steps)
    assert (report.alarm, report.safe) == (7, 6)  # 0.34 of the word triples, more than 0.3
    assert report.signs[7] == ["repetition"]
    assert report.correlations == {}


@pytest.mark.parametrize(
    ("texts", "sign"),
    [
        ({"distinct_2": [0.8] * 5 + [0.3] * 6}, "diversity"),
        ({"repetition": [0.0] * 5 + [0.4] * 6}, "repetition"),
    ],
)
def test_a_collapse_of_the_text_alarms_by_itself(texts, sign):
    report = watch(climb(RISES, **texts))
    assert report.alarm == 5
    assert sign in report.signs[5]
    assert report.safe < 5


def test_weaker_signs_alarm_only_together():
    drift = {"length": [20.0] * 5 + [45.0] * 6, "entropy": [2.0] * 5 + [0.1] * 6}
    assert watch(climb(RISES, **drift)).alarm is None
    assert watch(climb(RISES, **drift)).signs[5] == ["length", "entropy"]
    assert watch(climb(RISES, **drift, truncated=[0.0] * 5 + [0.9] * 6)).alarm == 5
    assert watch(climb(RISES, **drift), Params(num_signs=2)).alarm == 5
    assert watch(climb(RISES, length=[20.0] * 5 + [8.0] * 6)).signs[5] == ["length"]
    assert watch(climb(RISES, disagreement=[0.5] * 5 + [1.1] * 6)).signs[5] == ["disagreement"]


def test_rewards_that_come_apart_over_prompts_are_a_sign():
    apart = climb(RISES)
    last = apart[-1]
    apart[-1] = Measured(last.step, last.proxy, 10 - last.proxy)
    assert "uncorrelated" in watch(apart).signs[10]
    assert watch(apart).correlations[10] == pytest.approx(-1)


def test_what_comes_later_changes_nothing_that_was_said():
    hacked = climb(HACKED)
    whole = watch(hacked)
    for length in range(1, len(hacked)):
        assert watch(hacked[:length]).signs == {step: whole.signs[step] for step in range(length)}


def test_a_correlation_is_pearsons_and_0_where_nothing_varies():
    rng = np.random.default_rng(0)
    first, second = rng.normal(size=(2, 30))
    assert correlation(first, second) == pytest.approx(np.corrcoef(first, second)[0, 1])
    assert correlation(first, np.ones(30)) == 0


def test_no_steps_are_refused():
    with pytest.raises(ValueError, match="no steps"):
        watch([])


def test_signs_that_alarm_only_together_leave_the_step_where_the_held_out_reward_is_highest():
    far = {"length": [20.0] * 4 + [60.0] * 7, "disagreement": [1.0] * 4 + [3.0] * 7, "truncated": [0.0] * 4 + [0.9] * 7}
    still_rising, fallen = (
        watch(climb(RISES, noise=0.1, **far)),
        watch(climb([0, 1, 2, 3, 1.5, *[0] * 6], noise=0.1, **far)),
    )
    assert (still_rising.alarm, still_rising.safe) == (4, 4)
    assert (fallen.alarm, fallen.safe) == (4, 3)
