"""Tests of two rubrics compared on the same pairs."""

import numpy as np
import pytest

from rlhf_pipeline.validation.monitors.rubric_drift import Params, compare_rubrics

DOMAINS = ("chat", "code", "law", "maths", "safety", "travel")
WORDS = ("first", "second")


def judge(worth, noise, rng):
    """Return decisions by the worth of the first side less the second's, seen with noise."""
    return {str(n): WORDS[int(w < 0)] for n, w in enumerate(worth + noise * rng.normal(size=len(worth)))}


def drawn(seed, num_pairs=200):
    """Return the labels, domains, lengths and worth of as many pairs of each of six domains."""
    rng = np.random.default_rng(seed)
    worth = rng.normal(size=num_pairs * len(DOMAINS))
    labels = {str(n): WORDS[int(w < 0)] for n, w in enumerate(worth)}
    domains = {pair: DOMAINS[int(pair) % len(DOMAINS)] for pair in labels}
    length = {pair: float(value) for pair, value in zip(labels, rng.normal(size=len(worth)), strict=True)}
    return rng, worth, labels, domains, length


def turn(decisions, labels, pairs):
    """Return decisions that are wrong on some pairs."""
    return {**decisions, **{p: WORDS[labels[p] == "first"] for p in pairs}}


def test_a_rewording_rarely_alarms():
    alarms = 0
    for seed in range(200):
        rng, worth, labels, domains, length = drawn(seed, num_pairs=100)
        before, after = judge(worth, 0.5, rng), judge(worth, 0.5, rng)
        assert sum(before[p] != after[p] for p in labels) > 50
        alarms += bool(compare_rubrics(before, after, labels, domains, {"length": length}).alarms)
    assert alarms <= 10  # 5 % of 200


def test_ten_points_in_one_domain_of_200_pairs_are_found_while_the_aggregate_stays():
    for seed in range(10):
        rng, worth, labels, domains, _ = drawn(seed)
        before, after = judge(worth, 0.1, rng), judge(worth, 0.1, rng)
        right = [p for p in labels if domains[p] == "law" and after[p] == labels[p]]
        found = compare_rubrics(before, turn(after, labels, right[:20]), labels, domains)
        assert set(found.alarms) == {"law"}, seed
        assert found.alarms["law"] == "fewer right"
        assert found.domains["law"].accuracy.high < 0
        assert abs(found.overall.after - found.overall.before) < 0.05


def test_decisions_that_move_to_length_alone_are_found_though_as_many_stay_right():
    rng, worth, labels, domains, length = drawn(0)
    before = judge(worth, 1, rng)
    # Wherever length goes against the decision, it decides; as the label does not know length, few are lost.
    safety = [p for p in labels if domains[p] == "safety" and abs(length[p]) > 1]
    after = {**before, **{p: WORDS[length[p] < 0] for p in safety}}
    found = compare_rubrics(before, after, labels, domains, {"length": length})
    assert "moved to more length" in found.alarms["safety"]
    turned = {p: -value for p, value in length.items()}
    assert "less length" in compare_rubrics(before, after, labels, domains, {"length": turned}).alarms["safety"]


def test_by_hand():
    # Of 40 pairs 3 turn right and 7 wrong, 30 of 40 were right: -4 / 40, 26 of 40 after.
    labels = {str(n): "first" for n in range(40)}
    before = {p: "second" if int(p) < 10 else "first" for p in labels}
    after = {p: "second" if 3 <= int(p) < 17 else "first" for p in labels}
    found = compare_rubrics(before, after, labels, dict.fromkeys(labels, "one"))
    one = found.domains["one"]
    assert (one.num_pairs, one.before, one.after, one.turned_right, one.turned_wrong) == (40, 0.75, 0.65, 3, 7)
    # Clopper and Pearson for 3 of 10 at 95 %: 0.0667 to 0.6525, so (2 * 0.0667 - 1) * 10 / 40 and so on
    assert one.accuracy.value == pytest.approx(-0.1)
    assert (one.accuracy.low, one.accuracy.high) == pytest.approx((-0.2166, 0.0762), abs=1e-4)
    assert (one.why, found.overall.accuracy) == ("", one.accuracy)


def test_six_to_wrong_and_none_to_right_are_beyond_five_per_cent_and_five_are_not():
    # The sign test: 2 * 0.5 ** 6 = 0.031 and 2 * 0.5 ** 5 = 0.0625
    labels = {str(n): "first" for n in range(40)}
    for number, why in ((6, "fewer right"), (5, "")):
        after = turn(labels, labels, [str(n) for n in range(number)])
        assert compare_rubrics(labels, after, labels, dict.fromkeys(labels, "one")).domains["one"].why == why
        # rising is no alarm
        assert compare_rubrics(after, labels, labels, dict.fromkeys(labels, "one")).alarms == {}


def test_a_tie_is_half_right_against_a_side_and_a_side_half_right_against_a_tie():
    labels = {**{str(n): "first" for n in range(30)}, **{str(n): "tie" for n in range(30, 40)}}
    before = dict.fromkeys(labels, "tie")
    one = compare_rubrics(before, dict.fromkeys(labels, "first"), labels, dict.fromkeys(labels, "one")).overall
    assert (one.before, one.after) == (pytest.approx((15 + 10) / 40), pytest.approx((30 + 5) / 40))
    assert (one.turned_right, one.turned_wrong) == (30, 10)


def test_equal_decisions_change_nothing_and_small_domains_are_left_out():
    labels = {str(n): "first" for n in range(40)}
    domains = {p: "few" if int(p) < 10 else "many" for p in labels}
    found = compare_rubrics(labels, labels, labels, domains)
    assert set(found.domains) == {"many"}
    assert (found.domains["many"].accuracy.high, found.alarms) == (0, {})
    assert set(compare_rubrics(labels, labels, labels, domains, params=Params(least_pairs=10)).domains) == {
        "few", "many",
    }  # fmt: skip


def test_what_turns_within_the_tolerance_is_no_alarm():
    labels = {str(n): "first" for n in range(100)}
    after = turn(labels, labels, [str(n) for n in range(10)])
    one = dict.fromkeys(labels, "one")
    assert compare_rubrics(labels, after, labels, one).alarms
    assert not compare_rubrics(labels, after, labels, one, params=Params(tolerance=0.12)).alarms


def test_pairs_and_words_that_do_not_fit_are_refused():
    labels = {str(n): "first" for n in range(3)}
    one = dict.fromkeys(labels, "one")
    with pytest.raises(ValueError, match="after and labels differ in 1 pairs, such as '2'"):
        compare_rubrics(labels, {"0": "first", "1": "first"}, labels, one)
    with pytest.raises(ValueError, match="'better', which is none of first, tie, second"):
        compare_rubrics(labels, {**labels, "0": "better"}, labels, one)
