"""Tests of what all searches share."""

import pytest
import torch

from rlhf_pipeline import methods
from rlhf_pipeline.curation.filters.usable import Params as Usable
from rlhf_pipeline.curation.filters.usable import unusable
from rlhf_pipeline.curation.sources._files import iterate_entries
from rlhf_pipeline.curation.sources.pairs import Params, parse
from rlhf_pipeline.mistakes import Mistake
from rlhf_pipeline.records import assistant, user, write_rows
from rlhf_pipeline.validation.searches import Find, Found, Memory, as_pairs, distinct

BAD = Find(user("a"), assistant("b"), 2.0, -1.0, assistant("c"), is_overrated=True)
GOOD = Find(user("a"), assistant("d"), -2.0, 1.0, assistant("e"), is_overrated=False)


def test_an_overrated_text_becomes_the_rejected_side_and_an_underrated_one_the_chosen():
    over, under = as_pairs([BAD, GOOD, BAD])
    assert (over["chosen"], over["rejected"]) == (assistant("c"), assistant("b"))
    assert (under["chosen"], under["rejected"]) == (assistant("d"), assistant("e"))
    assert over["id"] != under["id"]


def test_pairs_are_read_as_a_source_and_are_usable(tmp_path):
    write_rows(tmp_path / "found.jsonl", as_pairs([BAD, GOOD]))
    raw = parse(iterate_entries(tmp_path / "found.jsonl"), methods.parse_settings(Params, {}, "pairs"))
    assert [row["id"] for row in raw.pairs] == [row["id"] for row in as_pairs([BAD, GOOD])]
    assert not raw.unreadable
    assert [unusable(row, Usable()) for row in raw.pairs] == [None, None]


def test_rates_are_shares_and_none_where_nothing_was_compared():
    assert Found([], num_tried=4, num_found=1, num_plain_tried=8, num_plain_found=1).rate == 0.25
    assert Found([], num_tried=4, num_found=1, num_plain_tried=8, num_plain_found=1).plain_rate == 0.125
    assert Found([], num_tried=0, num_found=0).rate == 0
    assert Found([], num_tried=0, num_found=0).plain_rate is None


def test_distinct_finds_keep_their_order():
    assert distinct([GOOD, BAD, GOOD]) == [GOOD, BAD]


def test_a_text_is_scored_once_and_counted():
    asked = []
    memory = Memory(lambda said: asked.extend(said) or torch.arange(float(len(said))))
    texts = [user(word) for word in ("a", "b", "a")]
    assert memory(texts).tolist() == [0, 1, 0]
    assert memory(texts[1:]).tolist() == [1, 0]
    assert len(asked) == len(memory.known) == 2
    assert memory([]).shape == (0,)


def test_a_reward_that_is_no_number_is_refused():
    with pytest.raises(Mistake, match="NaN or infinite"):
        Memory(lambda said: torch.full((len(said),), torch.nan))([user("a")])


def test_the_spread_is_that_within_prompts():
    rows = [{"prompt": user(p), "chosen": assistant("1"), "rejected": assistant("-1")} for p in ("10", "50")]
    memory = Memory(lambda said: torch.tensor([sum(float(m["content"]) for m in one) for one in said]))
    assert memory.spread(rows) == pytest.approx(2**0.5)  # two sides one above and one below their mean, one degree each
