import pytest

from rlhf_pipeline.curation.filtering import filter_rows
from rlhf_pipeline.curation.filters import Filtered, sift


def without(word):
    return lambda rows: sift(rows, lambda _, row: f"has {word}" if word in row["id"] else None)


def test_filters_run_in_order_and_the_first_reason_counts(pair):
    rows = [pair("x"), pair("xy"), pair("y"), pair("z")]
    kept, dropped = filter_rows(rows, [("first", without("x")), ("second", without("y"))])
    assert [row["id"] for row in kept] == ["z"]
    assert [(row["id"], row["filter"], row["reason"]) for row in dropped] == [
        ("x", "first", "has x"),
        ("xy", "first", "has x"),
        ("y", "second", "has y"),
    ]
    assert dropped[0]["row"] == rows[0]


def test_without_filters_everything_stays(pair):
    assert filter_rows([pair("x")], []) == ([pair("x")], [])


@pytest.mark.parametrize(
    "dishonest",
    [
        lambda rows: Filtered(rows[1:], []),
        lambda rows: Filtered([*rows, rows[0]], []),
        lambda rows: Filtered(rows, [(rows[0], "twice")]),
        lambda rows: Filtered([rows[0] | {"id": "renamed"}, *rows[1:]], []),
    ],
)
def test_a_filter_that_loses_makes_or_renames_a_row_is_refused(pair, dishonest):
    with pytest.raises(RuntimeError, match="kept \\+ dropped must be read"):
        filter_rows([pair("x"), pair("y")], [("dishonest", dishonest)])
