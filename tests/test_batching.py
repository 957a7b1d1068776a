"""Batches of like length, and what texts begin with apart."""

import pytest

from rlhf_pipeline import batching
from rlhf_pipeline.batching import batches, common, padded, plan


def shapes(found):
    return [tuple(one.input_ids.shape) for one in found]


def test_a_batch_holds_no_more_tokens_than_asked_unless_one_text_does(monkeypatch):
    monkeypatch.setattr(batching, "BATCH_TOKENS", 20)
    found = batches([[1] * n for n in (30, 4, 9, 5, 4, 8)], pad=0, batch_size=3)
    assert shapes(found) == [(3, 5), (2, 9), (1, 30)]
    assert [batch.rows for batch in found] == [[1, 4, 3], [5, 2], [0]]


def test_long_texts_do_not_widen_a_pass_of_short_ones():
    found = batches([[1] * 10] * 20 + [[1] * 40] * 3 + [[1] * 12] * 4, 0, 64)
    assert shapes(found) == [(24, 12), (3, 40)]
    assert sorted(row for one in found for row in one.rows) == list(range(27))
    assert [int(one.attention_mask.sum()) for one in found] == [20 * 10 + 4 * 12, 3 * 40]
    few = batches([[1] * 10] * 3 + [[1] * 40], 0, 64)  # too few to fill a pass of their own
    assert shapes(few) == [(4, 40)]


@pytest.mark.parametrize(
    ("texts", "expected"),
    [([[1, 2, 3], [1, 2, 4, 5]], 2), ([[1, 2], [1, 2, 3]], 1), ([[1, 2], [1, 2]], 1), ([[3], [4, 5]], 0)],
)
def test_every_text_keeps_a_token_of_its_own(texts, expected):
    assert common(texts) == expected


def test_prefixes_stand_apart_and_every_row_once(monkeypatch):
    monkeypatch.setattr(batching, "LEAST_SHARED", 3)
    ids = [[1, 2, 3, 7], [9, 8], [1, 2, 3, 7, 6], [5, 5, 5, 5, 1], [5, 5, 5, 5, 2, 2], [4, 4, 4, 4]]
    chunks = plan(ids, [[0, 2], [1], [3, 4], [5]], pad=0, batch_size=8)
    (prefixes, mask), (first, last) = chunks[0].prefixes, chunks
    assert prefixes.tolist() == [[0, 1, 2, 3], [5, 5, 5, 5]]
    assert mask.tolist() == [[0, 1, 1, 1], [1, 1, 1, 1]]
    assert last.prefixes is None
    rows = [row for chunk in chunks for batch in chunk.batches for row in batch.rows]
    assert sorted(rows) == list(range(6))
    for batch in first.batches:
        for row, rest, own, number in zip(
            *(batch.rows, batch.input_ids, batch.attention_mask, batch.prefix), strict=True
        ):
            whole = prefixes[number][mask[number].bool()].tolist() + rest[own.bool()].tolist()
            assert whole == ids[row]


def test_a_text_whose_own_tokens_are_all_padding_is_read_whole(monkeypatch):
    monkeypatch.setattr(batching, "LEAST_SHARED", 2)
    (only,) = plan([[1, 2, 0], [1, 2, 3]], [[0, 1]], pad=0, batch_size=8)
    assert only.prefixes is None


def test_few_prefixes_are_read_at_once(monkeypatch):
    monkeypatch.setattr(batching, "BATCH_TOKENS", 20)
    ids = [[n] * 8 + [own] for n in range(1, 5) for own in (7, 8)]
    chunks = plan(ids, [[0, 1], [2, 3], [4, 5], [6, 7]], pad=0, batch_size=8)
    assert [len(chunk.prefixes[0]) for chunk in chunks if chunk.prefixes] == [2, 2]
    assert all(2 * 9 <= 20 >= batch.input_ids.numel() + 8 for chunk in chunks for batch in chunk.batches)


def test_padding_stands_where_it_is_asked():
    assert padded([[1], [2, 3]], 0)[0].tolist() == [[1, 0], [2, 3]]
    ids, mask = padded([[1], [2, 3]], 0, on_the_left=True)
    assert ids.tolist() == [[0, 1], [2, 3]]
    assert mask.tolist() == [[0, 1], [1, 1]]
