from rlhf_pipeline.curation import identity
from rlhf_pipeline.records import assistant, user


def test_an_item_does_not_tell_which_side_won(pair):
    assert identity.item(pair()) == identity.item(pair(chosen="go away", rejected="hello there"))
    assert identity.is_in_order(pair()) != identity.is_in_order(pair(chosen="go away", rejected="hello there"))


def test_layout_alone_tells_nothing_apart_but_roles_and_words_do():
    assert identity.text_of(user("a  b\n")) == identity.text_of(user("a b"))
    assert identity.text_of(user("a b")) != identity.text_of(assistant("a b"))
    assert identity.text_of(user("a b")) != identity.text_of(user("A b"))


def test_duplicates_name_the_row_they_repeat(pair):
    rows = [pair("a"), pair("b"), pair("c")]
    assert [(place, first["id"]) for place, first in identity.duplicates(rows)] == [(1, "a"), (2, "a")]


def test_contradictions_hold_all_rows_of_the_item(pair):
    rows = [pair("a"), pair("b", prompt="other"), pair("c", chosen="go away", rejected="hello there")]
    assert identity.contradictions(rows) == [[0, 2]]
