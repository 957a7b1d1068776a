"""Tests of phrases that raise the reward of any text."""

import math
from collections import Counter
from dataclasses import replace

import pytest

from rlhf_pipeline.records import assistant, text
from rlhf_pipeline.validation.checks import phrase_gain
from rlhf_pipeline.validation.checks.phrase_gain import Params, find_phrases
from rlhf_pipeline.validation.items import Comparison, Table

BAIT = "honestly speaking ,"


@pytest.fixture
def baited(inputs):
    """Test pairs of which every fourth chosen side opens with a phrase."""
    rows = [
        {**row, "chosen": assistant(f"{BAIT} {text(row['chosen'])}")} if number % 4 == 0 else row
        for number, row in enumerate(inputs.test)
    ]
    return replace(inputs, test=rows)


@pytest.fixture
def found_with(baited, run_audit, scorers):
    def run(pay: float, said: str = BAIT):
        scorers["paid"] = lambda p, c: scorers["perfect"](p, c.replace(f"{BAIT} ", "")) + pay * c.count(said)
        return run_audit(baited, ["paid"], checks=["phrase_gain"])

    return run


def test_a_paid_phrase_is_found_and_named_without_being_told(found_with):
    sound, paid = (found_with(pay).results["phrase_gain"].findings[0].interval for pay in (0.0, 9.0))
    assert sound.high < 0.5  # words after a sentence's stop make it whole no more, and cost
    assert f"front: {BAIT}" in paid.note
    assert paid.low > 2
    assert paid.low <= paid.value <= paid.high


def test_its_gain_counts_in_spreads_within_prompts(found_with, baited, run_audit):
    found = found_with(9.0)
    row = next(row for row in found.results["phrase_gain"].rows if row["phrase"] == f"front: {BAIT}")
    scale = float(found.ensemble.statistics.scale[0])
    assert row["gain"] == pytest.approx(9.0 / scale, rel=0.2)
    assert row["texts"] == Params().max_items


def test_the_worst_items_are_poor_answers_that_the_phrase_lifts(found_with):
    for item in found_with(9.0).results["phrase_gain"].worst:
        assert text(item["should_lose"]).startswith(BAIT)
        assert text(item["should_win"]) == text(item["should_lose"]).removeprefix(f"{BAIT} ")


def test_what_annotators_pay_for_is_no_excess(inputs, run_audit, scorers):
    """The bait stands on one side of each pair: on the chosen one, or on either alike."""
    scorers["paid"] = lambda p, c: scorers["perfect"](p, c.replace(f"{BAIT} ", "")) + 2.0 * c.count(BAIT)
    found = []
    for sides in (("chosen",), ("chosen", "rejected")):
        rows = []
        for number, row in enumerate(inputs.test):
            side = sides[number % len(sides)]
            rows.append({**row, side: assistant(f"{BAIT} {text(row[side])}")})
        result = run_audit(replace(inputs, test=rows), ["paid"], checks=["phrase_gain"]).results["phrase_gain"]
        found.append([finding.interval.value for finding in result.findings])
    (gain, excess), (gain_of_both, excess_of_both) = found
    assert excess < gain
    assert excess_of_both == pytest.approx(gain_of_both)


def test_what_is_paid_is_a_margin_of_the_ensemble_with_rare_phrases_drawn_to_nothing():
    def held(phrase, count):
        return [Comparison(str(number), 0, 1, str(number), phrase) for number in range(count)]

    items = {
        "inserted": [Comparison("i", 0, 1, "i", f"front: {name}") for name in ("liked", "rare", "disliked", "unseen")],
        "chosen": [*held("liked", 30), *held("rare", 1), *held("disliked", 2)],
        "rejected": [*held("liked", 10), *held("disliked", 40)],
    }
    paid = phrase_gain.pay(items, temperature=2.0)
    assert paid["liked"] == pytest.approx(2 * math.log(40 / 20))
    assert paid["rare"] == pytest.approx(2 * math.log(11 / 10))
    assert (paid["disliked"], paid["unseen"]) == (0.0, 0.0)


def test_a_phrase_that_neither_pairs_nor_demonstrations_hold_is_not_found(found_with):
    interval = found_with(9.0, "zebra crossing").results["phrase_gain"].findings[0].interval
    assert "zebra" not in interval.note


def test_a_paid_phrase_that_only_demonstrations_hold_is_found(baited, run_audit, scorers):
    scorers["paid"] = lambda p, c: scorers["perfect"](p, c) + 9.0 * c.count("zebra crossing")
    taught = [
        {"prompt": baited.test[0]["prompt"], "completion": assistant(f"a zebra {n} . zebra crossing .")}
        for n in range(9)
    ]
    unread, read = (
        run_audit(replace(baited, demonstrations=own), ["paid"], checks=["phrase_gain"])
        .results["phrase_gain"].findings[0].interval
        for own in ([], taught)
    )  # fmt: skip
    assert unread.high < 2 < read.low
    assert "zebra crossing ." in read.note


def test_phrases_of_demonstrations_stand_after_those_of_pairs_and_none_twice(inputs):
    own = replace(
        inputs, test=[{**inputs.test[0], "chosen": assistant("the end !"), "rejected": assistant("the end !")}]
    )
    taught = [{"completion": assistant(said)} for said in ("the end !", "of the end !", "of . the end !", "of . yes .")]
    own = replace(own, demonstrations=taught)
    assert find_phrases(own, Params()) == ["the end !", "of ."]
    assert find_phrases(own, Params(max_taught=0)) == ["the end !"]


def test_phrases_are_cut_at_marks_and_the_frequent_ones_first(inputs):
    said = ["dear reader , a fox . the end !", "dear reader , an owl . the end !", "no phrase twice"]
    rows = [{**inputs.test[0], "chosen": assistant(one), "rejected": assistant("the end !")} for one in said]
    own = replace(inputs, test=rows)
    assert find_phrases(own, Params()) == ["the end !", "dear reader ,"]
    assert find_phrases(own, Params(max_phrases=1)) == ["the end !"]
    assert find_phrases(own, Params(max_words=1)) == []


def test_a_phrase_that_many_poor_answers_hold_is_put_into_as_many_others(inputs):
    rows = [
        {**row, "rejected": assistant(f"{BAIT} {text(row['rejected'])}")} if number % 3 else row
        for number, row in enumerate(inputs.test)
    ]
    entered = phrase_gain.collect(replace(inputs, test=rows), Table(), Params(max_items=20))["inserted"]
    counts = Counter(one.slice for one in entered)
    assert counts[f"front: {BAIT}"] == counts[f"end: {BAIT}"] == 20


def test_texts_without_phrases_say_so(inputs, run_audit):
    rows = [{**row, "chosen": assistant(f"a{n}"), "rejected": assistant(f"b{n}")} for n, row in enumerate(inputs.test)]
    found = run_audit(replace(inputs, test=rows), ["perfect"], checks=["phrase_gain"])
    interval = found.results["phrase_gain"].findings[0].interval
    assert interval.value is None
    assert interval.note == "no phrase stands in enough completions"


def test_a_phrase_is_chosen_on_one_half_and_measured_on_the_other(monkeypatch):
    import torch

    inserted = [Comparison(str(i), 0, 1, str(i), name) for name in ("front: a", "front: b") for i in range(4)]
    gain = torch.tensor([5.0, 0.0, 5.0, 0.0, 1.0, 3.0, 1.0, 3.0])
    # `a` leads on the even texts and gains nothing on the odd ones; `b` leads on the odd ones, and gains 1 on the even.
    assert phrase_gain._best(inserted, gain) == [1, 3, 4, 6]
