"""Tests of what a person is shown."""

from flows.annotation.items import is_swapped, plain, shown
from rlhf_pipeline.records import assistant, user

ITEM = {"prompt": user("ask"), "first": assistant("one"), "second": assistant("two")}


def test_the_sides_are_swapped_for_half_of_the_ids_and_always_the_same():
    swapped = [is_swapped(f"item {number}") for number in range(2000)]
    assert 900 < sum(swapped) < 1100
    assert swapped == [is_swapped(f"item {number}") for number in range(2000)]


def test_a_swapped_item_shows_its_second_side_on_the_left():
    ids = {is_swapped(f"{n}"): f"{n}" for n in range(20)}
    assert shown(ITEM | {"id": ids[False]}) == {"id": ids[False], "prompt": "ask", "left": "one", "right": "two"}
    assert shown(ITEM | {"id": ids[True]}) == {"id": ids[True], "prompt": "ask", "left": "two", "right": "one"}


def test_who_speaks_is_told_where_there_is_more_than_one_message():
    assert plain(user("a")) == "a"
    assert plain([*user("a"), *assistant("b")]) == "user: a\n\nassistant: b"
