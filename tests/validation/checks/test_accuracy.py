"""Tests of accuracy: known scorers get the share they must."""

import dataclasses

import pytest


@pytest.mark.parametrize(
    ("name", "low", "high"), [("perfect", 1, 1), ("constant", 0.5, 0.5), ("length_only", 0.3, 0.7)]
)
def test_a_scorer_of_known_behaviour_gets_its_share(inputs, run_audit, name, low, high):
    assert low <= run_audit(inputs, [name], checks=["accuracy"]).value("accuracy/ensemble") <= high


def test_members_their_mean_and_evaluators_are_measured(inputs, run_audit):
    found = run_audit(inputs, ["perfect", "constant"], ["length_only"], ["accuracy"])
    assert found.value("accuracy/perfect") == 1
    assert found.value("accuracy/constant") == 0.5
    assert found.value("accuracy/member_mean") == 0.75
    assert found.value("accuracy/ensemble") == 1
    assert found.value("accuracy/length_only") < 0.7


def test_a_slice_is_also_measured_alone(inputs, run_audit):
    spoiled = [r | {"chosen": r["rejected"], "rejected": r["chosen"]} if r["slice"] else r for r in inputs.test]
    found = run_audit(dataclasses.replace(inputs, test=spoiled), ["perfect"], checks=["accuracy"])
    assert found.value("accuracy/ensemble/shifted") == 0
    assert found.value("accuracy/ensemble") == pytest.approx(80 / 120)


def test_pairs_of_one_group_are_resampled_together(inputs, run_audit):
    # All copies of a pair stand or fall together: ten times the rows tell nothing more.
    flipped = [
        r | {"chosen": r["rejected"], "rejected": r["chosen"]} if int(r["group"]) % 4 == 0 else r for r in inputs.test
    ]
    few = run_audit(dataclasses.replace(inputs, test=flipped), ["perfect"], checks=["accuracy"])
    many = run_audit(dataclasses.replace(inputs, test=flipped * 10), ["perfect"], checks=["accuracy"])
    widths = [r.high - r.low for r in (f.results["accuracy"].findings[0].interval for f in (few, many))]
    assert widths[1] == pytest.approx(widths[0], rel=0.05)


def test_the_worst_pairs_come_with_their_texts(inputs, run_audit):
    worst = run_audit(inputs, ["length_only"], checks=["accuracy"]).results["accuracy"].worst
    assert 0 < len(worst) <= 5
    assert worst[0]["margin"] == min(row["margin"] for row in worst) < 0
    assert len(worst[0]["should_win"][0]["content"]) < len(worst[0]["should_lose"][0]["content"])
    assert worst[0]["prompt"][0]["role"] == "user"


def test_without_pairs_nothing_is_measured_and_the_note_says_so(inputs, run_audit):
    finding = (
        run_audit(dataclasses.replace(inputs, test=[]), ["perfect"], checks=["accuracy"])
        .results["accuracy"]
        .findings[0]
    )
    assert finding.interval.value is None
    assert finding.interval.note == "no items"


def test_three_pairs_give_a_value_and_no_interval(inputs, run_audit):
    found = run_audit(dataclasses.replace(inputs, test=inputs.test[:3]), ["perfect"], checks=["accuracy"])
    interval = found.results["accuracy"].findings[0].interval
    assert (interval.value, interval.low) == (1, None)
    assert "fewer than 10" in interval.note
