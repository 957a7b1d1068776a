"""Tests of the alarm for rewards above those of reference texts, and of the pairs a detector learns from."""

import numpy as np
import pytest

from rlhf_pipeline.policy.guard.rm_generation_detector import Params, detector_pairs, measure, mix, watch
from rlhf_pipeline.records import assistant, text, user


def drawn(shift, prompts=60, samples=4, seed=1):
    """Return rewards of a unit spread around `shift`, and half as much of each prompt's own."""
    rng = np.random.default_rng(seed)
    own = np.random.default_rng(99).normal(size=(prompts, 1)) / 2
    return (own + shift + rng.normal(size=(prompts, samples))).tolist()


def test_by_hand():
    # Of 3 * 2 comparisons the policy wins 4, ties one (2 and 2) and loses one (2 and 3): 4.5 / 6. Its median, 4, lies
    # above both reference rewards.
    found = measure([[2], [3]], [[4, 2], [9]])
    assert found.auroc.value == pytest.approx(4.5 / 6)
    assert "fewer than 10" in found.auroc.note
    assert (found.median, found.percentile, found.is_inflated) == (4, 100, True)
    assert measure([[2], [4]], [[4, 2], [9]]).percentile == 75


def test_equal_samples_are_told_apart_by_chance_alone():
    found = measure(drawn(0, seed=1), drawn(0, seed=2))
    assert found.auroc.low < 0.5 < found.auroc.high
    assert not found.is_inflated
    assert 35 < found.percentile < 65


def test_turning_sides_round_turns_the_chance_round():
    first, second = drawn(0, seed=1), drawn(1, seed=2)
    assert measure(first, second).auroc.value == pytest.approx(1 - measure(second, first).auroc.value)


def test_all_above_is_one_and_all_below_is_none():
    assert measure(drawn(0), drawn(50)).auroc.low == 1
    assert measure(drawn(0), drawn(-50)).auroc.high == 0


def test_the_interval_is_over_prompts_not_over_samples():
    once = measure(drawn(0, samples=1), drawn(0.5, samples=1)).auroc
    many = measure([one * 9 for one in drawn(0, samples=1)], [one * 9 for one in drawn(0.5, samples=1)]).auroc
    assert many.value == pytest.approx(once.value)
    assert many.high - many.low == pytest.approx(once.high - once.low, rel=1e-6)


def test_a_policy_that_climbs_away_alarms_at_the_step_where_its_median_passes_the_percentile():
    # The median passes the 95th percentile, about 1.645 spreads of 1.1, at a shift of 1.85.
    shifts = {0: 0.0, 20: 0.6, 40: 1.2, 60: 1.4, 80: 2.3, 100: 3.0}
    found = watch(drawn(0), {step: drawn(shift, seed=step + 2) for step, shift in shifts.items()})
    rising = [one.auroc.value for one in found.steps.values()]
    assert rising == sorted(rising)
    assert found.alarm == 80
    assert [one.is_inflated for one in found.steps.values()] == [False] * 4 + [True] * 2
    lower = watch(
        drawn(0), {step: drawn(shift, seed=step + 2) for step, shift in shifts.items()}, Params(percentile=80)
    )
    assert lower.alarm == 40


def test_a_policy_that_stays_does_not_alarm_and_one_wild_step_only_where_one_is_enough():
    still = {step: drawn(0.2, seed=step + 2) for step in range(5)}
    assert watch(drawn(0), still).alarm is None
    wild = {**still, 2: drawn(9)}
    assert watch(drawn(0), wild).alarm == 2
    assert watch(drawn(0), wild, Params(consecutive_steps=2)).alarm is None


@pytest.mark.parametrize(
    ("reference", "policy", "why"),
    [
        ([[1.0]], [[1.0], [2.0]], "1 prompts of reference"),
        ([[]], [[1.0]], "no rewards"),
        ([[1.0]], [[float("nan")]], "NaN"),
    ],
)
def test_rewards_that_cannot_be_compared_are_refused(reference, policy, why):
    with pytest.raises(ValueError, match=why):
        measure(reference, policy)


OWN, OTHER = "a b c d e f g h i j", "A B C D E F G H I J"


def test_a_share_of_the_words_is_replaced_by_those_at_the_same_place():
    for seed in range(20):
        words = mix(OWN, OTHER, 0.3, seed).split()
        assert [word.lower() for word in words] == OWN.split()
        replaced = [place for place, word in enumerate(words) if word.isupper()]
        assert replaced == list(range(replaced[0], replaced[0] + 3))
    assert len({mix(OWN, OTHER, 0.3, seed) for seed in range(20)}) > 3


def test_none_and_all_of_the_words():
    assert mix(OWN, OTHER, 0, seed=0) == OWN
    assert mix(OWN, "A B", 1, seed=0) == "A B"
    assert mix("", OTHER, 0.5, seed=0) == ""


def test_a_shorter_text_gives_what_stands_at_that_part():
    # Half of four words is a run of two; of two words it takes the one at that half, or from the first to the second.
    assert {mix("a b c d", "A B", 0.5, seed) for seed in range(20)} == {"A c d", "a A d", "a b B"}
    with pytest.raises(ValueError, match="from 0 to 1"):
        mix(OWN, OTHER, 1.5, seed=0)


def test_three_classes_are_three_pairs_a_row_in_their_order():
    row = {"id": "7", "prompt": user("say"), "reference": assistant(OWN), "policy": assistant(OTHER)}
    pairs = list(detector_pairs([row], 0.3, seed=0))
    sides = {p["slice"]: (text(p["chosen"]), text(p["rejected"])) for p in pairs}
    mixed = sides["mixed > reference"][0]
    assert mixed.lower() == OWN
    assert sides == {
        "policy > mixed": (OTHER, mixed), "policy > reference": (OTHER, OWN), "mixed > reference": (mixed, OWN),
    }  # fmt: skip
    assert [p["margin"] for p in pairs] == pytest.approx([0.7, 1, 0.3])
    assert len({p["id"] for p in pairs}) == 3
    assert {p["group"] for p in pairs} == {"7"}


def test_classes_that_are_the_same_make_no_pair():
    row = {"id": "7", "prompt": user("say"), "reference": assistant(OWN), "policy": assistant(OTHER)}
    for share in (0, 1):
        assert [p["slice"] for p in detector_pairs([row], share, seed=0)] == ["policy > reference"]
    assert list(detector_pairs([{**row, "policy": row["reference"]}], 0.5, seed=0)) == []
