"""Tests of where a bound may lie: the least favourable kind of control decides, and what it then catches."""

from statistics import NormalDist, fmean, stdev

import pytest

from benchmarks.bounds import LEVEL, NUM_BOUNDS, bound_of, caught, page, table

METRIC = "accuracy/ensemble"
Z = NormalDist().inv_cdf(1 - LEVEL / NUM_BOUNDS)


def row(kind, low, high, defect=None):
    found = None if low is None else {METRIC: (low, high)}
    return {"defect": defect, "kind": kind, "seed": 0, "found": found}


STRONG, WEAK = [(0.78, 0.82), (0.80, 0.84), (0.79, 0.83)], [(0.70, 0.76), (0.66, 0.72), (0.68, 0.74)]
CONTROLS = [row("strong", *ends) for ends in STRONG] + [row("weak", *ends) for ends in WEAK]


def test_the_least_favourable_kind_of_control_decides():
    lows, highs = [low for low, _ in WEAK], [high for _, high in STRONG]
    assert bound_of(CONTROLS, METRIC, is_least=True) == pytest.approx(fmean(lows) - Z * stdev(lows))
    assert bound_of(CONTROLS, METRIC, is_least=False) == pytest.approx(fmean(highs) + Z * stdev(highs))


def test_a_kind_with_two_measurements_decides_nothing_and_defects_are_no_controls():
    few = [*CONTROLS, row("rare", 0.1, 0.2), row("rare", 0.1, 0.2)]
    planted = [row("shuffled", 0.4, 0.6, defect="shuffled")] * 5
    assert bound_of([*few, *planted], METRIC, True) == bound_of(CONTROLS, METRIC, True)
    assert bound_of([row("rare", 0.1, 0.2)] * 2, METRIC, True) is None


def test_a_night_s_bound_is_that_of_four_members():
    kinds = [
        {**one, "kind": {"strong": "strong four half", "weak": "weak alone half"}[one["kind"]]} for one in CONTROLS
    ]
    strong = [row("strong", *ends) for ends in STRONG]
    assert table(kinds)[0]["night"] == bound_of(strong, METRIC, is_least=True) > table(kinds)[0]["bound"]


def test_a_defect_is_caught_where_its_interval_is_not_whole_inside_or_it_is_refused_outright():
    planted = [
        row("a", 0.60, 0.70, defect="a"), row("a", 0.70, 0.80, defect="a"), row("b", None, None, defect="b"),
        {"defect": "c", "kind": "c", "seed": 0, "found": {"other": (0, 1)}},
    ]  # fmt: skip
    assert caught(planted, METRIC, 0.65, is_least=True) == {"a": 0.5, "b": 1.0}
    assert caught(planted, METRIC, 0.75, is_least=False) == {"a": 0.5, "b": 1.0}


def test_the_page_has_a_row_per_finding_and_side_that_was_measured():
    planted = [row("a", 0.1, 0.2, defect="a"), row("b", 0.79, 0.83, defect="b")]
    found = table([*CONTROLS, *planted])
    assert [(one["metric"], one["side"]) for one in found] == [(METRIC, "at_least")]
    told = page([*CONTROLS, *planted], "a test")
    assert "6 sound\ncontrols; in 1 of them 2 trials of 2 defects" in told
    assert f"| `{METRIC}` | at_least | {found[0]['bound']:.3f} | - | a | - |" in told
