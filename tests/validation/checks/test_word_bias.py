"""Tests of words that are preferred beyond what annotators prefer."""

from dataclasses import replace

import pytest

from rlhf_pipeline.records import assistant, text


def marked(inputs, side_of):
    """Return test pairs with a word put on the side that `side_of` names for a pair's number, in turn of three."""

    def row(number, pair):
        side = side_of(number)
        return {**pair, "group": str(number)} | ({side: assistant(f"{text(pair[side])} zebra")} if side else {})

    return replace(inputs, test=[row(number, pair) for number, pair in enumerate(inputs.test)])


SIDES = ("chosen", "rejected", None)


@pytest.fixture
def found_with(inputs, run_audit, scorers):
    def run(pay: float):
        # `zebra` ends a sentence that is then no longer whole; the perfect reward takes 1 for that, wherever it stands.
        scorers["paid"] = lambda p, c: scorers["perfect"](p, c.replace(" zebra", "")) + pay * ("zebra" in c)
        found = run_audit(marked(inputs, lambda number: SIDES[number % 3]), ["paid"], checks=["word_bias"])
        first = found.results["word_bias"].findings[0].interval
        return found, first, found.results["word_bias"].rows

    return run


def test_a_reward_that_orders_as_annotators_do_has_no_bias(found_with):
    found, interval, rows = found_with(0)
    assert (interval.value, interval.high, rows) == (0, 0, [])
    assert found.value("words_biased/ensemble") == 0


def test_a_paid_word_is_found_without_being_named(found_with):
    # Of 80 pairs with the word on one side, annotators chose its side in 40; the ensemble prefers it in all.
    found, interval, rows = found_with(9)
    assert interval.value == pytest.approx(0.5)
    assert 0.35 < interval.low < 0.5 < interval.high < 0.65
    assert interval.note == "'zebra' is liked"
    assert rows[0]["phrase"] in ("zebra", ". zebra")
    assert (rows[0]["pairs"], rows[0]["annotators"], rows[0]["ensemble"]) == (80, 0.5, 1.0)
    assert all("zebra" in text(item["should_lose"]) for item in found.results["word_bias"].worst)


def test_an_avoided_word_is_told_as_avoided(found_with):
    _, interval, rows = found_with(-9)
    assert interval.value == pytest.approx(0.5)
    assert interval.note == "'zebra' is avoided"
    assert rows[0]["ensemble"] == 0


def test_what_annotators_over_rate_themselves_is_no_bias_of_the_ensemble(inputs, run_audit, scorers):
    scorers["paid"] = lambda p, c: 9.0 * ("zebra" in c) + scorers["perfect"](p, c)
    found = run_audit(marked(inputs, lambda number: "chosen"), ["paid"], checks=["word_bias"])
    assert found.value("word_bias/ensemble") == 0


def test_rare_words_and_texts_without_words_are_not_measured(inputs, run_audit):
    few = replace(inputs, test=inputs.test[:5])
    blank = [{**pair, "chosen": assistant(" "), "rejected": assistant("\n")} for pair in inputs.test]
    for test in (few, replace(inputs, test=blank)):
        found = run_audit(test, ["perfect"], checks=["word_bias"])
        assert found.value("word_bias/ensemble") is None
