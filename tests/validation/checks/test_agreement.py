"""Tests of agreement between members."""

import pytest


def agreement(found) -> float:
    return found.value("agreement/members")


def test_equal_members_agree_on_everything(inputs, run_audit, scorers):
    scorers["twin"] = lambda prompt, completion: 3 * scorers["perfect"](prompt, completion) - 8
    found = run_audit(inputs, ["perfect", "twin"], checks=["agreement"])
    assert agreement(found) == 1
    assert found.value("disagreement/members") == pytest.approx(0, abs=1e-5)


def test_opposite_members_agree_on_nothing_and_are_two_spreads_apart(inputs, run_audit, scorers):
    scorers["opposite"] = lambda prompt, completion: -scorers["perfect"](prompt, completion)
    found = run_audit(inputs, ["perfect", "opposite"], checks=["agreement"])
    assert agreement(found) == 0
    # Sides of a pair are 2 apart: each is 0.71 of the pooled spread from its mean, and the members mirror each other.
    assert found.value("disagreement/members") == pytest.approx(0.5**0.5, rel=1e-4)


def test_one_of_three_pairs_of_members_agrees(inputs, run_audit, scorers):
    scorers["opposite"] = lambda prompt, completion: -scorers["perfect"](prompt, completion)
    scorers["twin"] = scorers["perfect"]
    assert agreement(run_audit(inputs, ["perfect", "opposite", "twin"], checks=["agreement"])) == pytest.approx(1 / 3)


def test_the_odd_member_out_and_the_twins_are_named(inputs, run_audit, scorers):
    scorers["opposite"] = lambda prompt, completion: -scorers["perfect"](prompt, completion)
    scorers["twin"] = scorers["perfect"]
    found = run_audit(inputs, ["perfect", "opposite", "twin"], checks=["agreement"])
    intervals = {f.metric: f.interval for f in found.results["agreement"].findings}
    least, most = intervals["agreement_least/members"], intervals["agreement_most/members"]
    assert (least.value, least.note) == (0, "member opposite")
    assert (most.value, most.low, most.note) == (1, 1, "members perfect and twin")


def test_one_member_alone_is_not_measured(inputs, run_audit):
    found = run_audit(inputs, ["perfect"], checks=["agreement"])
    assert agreement(found) is None
    assert found.results["agreement"].findings[0].interval.note == "one member"


def test_what_an_evaluator_says_does_not_count(inputs, run_audit):
    assert agreement(run_audit(inputs, ["perfect"], ["constant"], ["agreement"])) is None


def test_disagreement_is_told_by_slice(inputs, run_audit, scorers):
    scorers["opposite"] = lambda prompt, completion: -scorers["perfect"](prompt, completion)
    found = run_audit(inputs, ["perfect", "opposite"], checks=["agreement"])
    parts = sorted({row["slice"] for row in inputs.test if row["slice"]})
    assert [f.metric for f in found.results["agreement"].findings[4:]] == [f"disagreement/members/{p}" for p in parts]
    counts = [f.num_items for f in found.results["agreement"].findings[4:]]
    assert sum(counts) == sum(bool(row["slice"]) for row in inputs.test)
