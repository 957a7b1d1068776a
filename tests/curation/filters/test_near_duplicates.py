import time

import pytest

from rlhf_pipeline.curation.filters.near_duplicates import Params, apply, likeness, shingles

LONG = " ".join(f"word{i}" for i in range(60))


@pytest.fixture
def near(pair):
    return [pair("a", chosen=LONG, rejected="no"), pair("b", chosen=LONG + " more", rejected="no")]


def test_an_item_that_nearly_repeats_an_earlier_one_is_dropped(near, pair, reasons):
    rows = [*near, pair("c", prompt="something else", chosen="entirely", rejected="different words here")]
    kept, dropped = reasons(rows, apply(rows, Params()))
    assert kept == ["a", "c"]
    assert dropped["b"].startswith("near copy: of a, Jaccard 0.98")


def test_sides_are_compared_in_either_order(near, reasons):
    swapped = [near[0], near[1] | {"chosen": near[1]["rejected"], "rejected": near[1]["chosen"]}]
    assert reasons(swapped, apply(swapped, Params()))[0] == ["a"]


def test_the_exact_jaccard_decides_on_both_sides_of_the_threshold(near, reasons):
    items = [shingles(("hi", row["rejected"][0]["content"], row["chosen"][0]["content"]), 3) for row in near]
    assert likeness(*items) == pytest.approx(58 / 59)  # 60 words have 58 triples
    assert reasons(near, apply(near, Params(threshold=0.98)))[0] == ["a"]
    assert reasons(near, apply(near, Params(threshold=0.99)))[0] == ["a", "b"]


def test_short_replies_to_one_long_prompt_are_not_near(pair, reasons):
    rows = [pair("a", LONG, "yes please", "no"), pair("b", LONG, "yes please", "never"), pair("c", LONG, "maybe", "no")]
    assert reasons(rows, apply(rows, Params())) == (["a", "b", "c"], {})


def test_votes_on_one_item_stay_together(near, reasons):
    rows = [near[0] | {"id": "v1", "annotator": "x"}, near[0] | {"id": "v2", "annotator": "y"}, near[1]]
    assert reasons(rows, apply(rows, Params()))[0] == ["v1", "v2"]


def test_rows_of_a_small_vocabulary_are_not_near_and_thousands_take_seconds(pairs):
    rows = pairs(4000)
    start = time.perf_counter()
    assert len(apply(rows, Params()).kept) == 4000
    assert time.perf_counter() - start < 20


def test_every_one_of_many_planted_copies_is_found(pairs):
    rows = pairs(400)
    copies = [row | {"id": row["id"] + "-copy", "chosen": row["rejected"], "rejected": row["chosen"]} for row in rows]
    found = apply([*rows, *[copy | {"prompt": shouted(copy["prompt"])} for copy in copies]], Params())
    assert len(found.dropped) == 400


def shouted(prompt):
    return [message | {"content": message["content"].upper()} for message in prompt]
