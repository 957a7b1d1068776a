"""Tests of degenerate completions."""

import dataclasses

import pytest

KINDS = ["copied_prompt", "empty", "repeated", "truncated"]


def test_a_scorer_of_whole_answers_puts_every_kind_low(inputs, run_audit):
    found = run_audit(inputs, ["perfect"], checks=["degenerate"])
    assert [found.value(f"degenerate_low/ensemble/{kind}") for kind in KINDS] == [1] * 4
    assert found.value("degenerate_low/ensemble") == 1


def test_a_scorer_that_likes_the_prompt_copied_is_found_by_kind(inputs, run_audit, scorers):
    scorers["parrot"] = lambda prompt, completion: scorers["perfect"](prompt, completion) + 99 * (prompt == completion)
    found = run_audit(inputs, ["parrot"], checks=["degenerate"])
    assert found.value("degenerate_low/ensemble/copied_prompt") == 0
    assert found.value("degenerate_low/ensemble") == pytest.approx(0.75)
    assert {row["slice"] for row in found.results["degenerate"].worst} == {"copied_prompt"}


def test_a_scorer_that_likes_silence_is_found_by_kind(inputs, run_audit, scorers):
    scorers["silent"] = lambda prompt, completion: -float(len(completion))
    found = run_audit(inputs, ["silent"], checks=["degenerate"])
    assert found.value("degenerate_low/ensemble/empty") == 0
    assert found.value("degenerate_low/ensemble/truncated") == 0


def test_what_no_model_can_read_whole_is_left_out_and_counted(inputs, run_audit):
    def fits(conversations):
        return [len(conversation[-1]["content"]) < 20 for conversation in conversations]

    found = run_audit(dataclasses.replace(inputs, fits=fits), ["perfect"], checks=["degenerate"])
    finding = found.results["degenerate"].findings[0]
    assert 0 < finding.num_items < 4 * len(inputs.test)
    assert f"{4 * len(inputs.test) - finding.num_items} left out" in finding.interval.note


def test_one_pair_per_prompt_is_spoiled(inputs, run_audit):
    found = run_audit(dataclasses.replace(inputs, test=inputs.test * 3), ["perfect"], checks=["degenerate"])
    assert found.results["degenerate"].findings[0].num_items == 4 * len(inputs.test)
