"""Tests of which bounds refuse less than they did."""

import pytest

from rlhf_pipeline.validation.monitors.loosened_bounds import loosened
from rlhf_pipeline.verdicts import Bound

BEFORE = {
    "accuracy/ensemble": Bound(at_least=0.55),
    "ece/ensemble": Bound(at_most=0.1),
    "length_bias/ensemble": Bound(at_least=-0.1, at_most=0.1),
}


def change(name="accuracy/ensemble", **bound):
    return loosened(BEFORE, {**BEFORE, name: Bound(**bound)})


def test_equal_bounds_are_not_listed():
    assert loosened(BEFORE, dict(BEFORE)) == loosened({}, BEFORE) == []


@pytest.mark.parametrize(
    ("name", "now", "line"),
    [
        ("accuracy/ensemble", {"at_least": 0.5}, "at_least 0.55 -> 0.5"),
        ("ece/ensemble", {"at_most": 0.25}, "at_most 0.1 -> 0.25"),
        ("length_bias/ensemble", {"at_least": -0.1}, "at_most 0.1 -> none"),
        ("length_bias/ensemble", {"at_least": -0.2, "at_most": 0.3}, "at_least -0.1 -> -0.2, at_most 0.1 -> 0.3"),
        ("accuracy/ensemble", {"at_most": 0.9}, "at_least 0.55 -> none"),
        ("accuracy/ensemble", {"at_least": 0.55, "severity": "warn"}, "block -> warn"),
        ("accuracy/ensemble", {"at_least": 0.55, "optional": True}, "optional"),
        ("ece/ensemble", {"at_most": 0.2, "severity": "warn"}, "at_most 0.1 -> 0.2, block -> warn"),
        ("ece/ensemble", {"at_most": float("inf")}, "at_most 0.1 -> none"),
    ],
)
def test_a_bound_that_admits_more_is_listed_with_what_moved(name, now, line):
    assert change(name, **now) == [f"{name}: {line}"]


def test_a_bound_that_is_gone_is_dropped():
    assert loosened(BEFORE, {name: BEFORE[name] for name in list(BEFORE)[1:]}) == ["accuracy/ensemble: dropped"]


def test_tightened_bounds_are_not_listed():
    assert change(at_least=0.6) == change(at_least=0.55, at_most=0.9) == []
    # One side in, the other out: only that one is told.
    assert change("length_bias/ensemble", at_least=0, at_most=0.2) == ["length_bias/ensemble: at_most 0.1 -> 0.2"]


def test_what_only_warned_refused_nothing():
    warned = {"a": Bound(at_least=0.5, severity="warn")}
    assert loosened(warned, {}) == loosened(warned, {"a": Bound(at_least=0.1)}) == []


def test_lines_stand_in_the_order_of_the_bounds_before():
    assert [line.partition(":")[0] for line in loosened(BEFORE, {})] == list(BEFORE)
