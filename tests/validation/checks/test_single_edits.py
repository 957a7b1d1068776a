"""Tests of accuracy on single edits."""

import dataclasses

import pytest


@pytest.mark.parametrize(("name", "value"), [("perfect", 1), ("constant", 0.5), ("length_only", 0)])
def test_a_scorer_of_known_behaviour_gets_its_share(inputs, run_audit, name, value):
    # The edit makes the sentence longer and worse.
    assert run_audit(inputs, [name], checks=["single_edits"]).value("single_edit_accuracy/ensemble") == value


def test_without_items_nothing_is_measured(inputs, run_audit):
    found = run_audit(dataclasses.replace(inputs, single_edits=[]), ["perfect"], checks=["single_edits"])
    assert not found.judge({"single_edit_accuracy/ensemble": {"at_least": 0}}).admitted
