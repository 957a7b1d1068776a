import pytest

from rlhf_pipeline.curation.filters.length import Params, apply

TOO_LONG = {
    "prompt is too long: 9 characters, 2 words": ({"max_prompt_chars": 8}, {"prompt": "say hello"}),
    "prompt is too long: 9 characters, 2 words ": ({"max_prompt_words": 1}, {"prompt": "say hello"}),
    "chosen is too long: 7 characters, 1 words": ({"max_chars": 6}, {"chosen": "goodbye", "rejected": "bye"}),
    "rejected is too long: 8 characters, 3 words": ({"max_words": 2}, {"rejected": "no no no"}),
    "rejected is too short: 1 words": ({"min_words": 2}, {"rejected": "no"}),
}


@pytest.mark.parametrize("reason", TOO_LONG)
def test_a_part_out_of_bounds_is_dropped_with_its_length(pair, reasons, reason):
    settings, parts = TOO_LONG[reason]
    rows = [pair("out", **parts)]
    assert reasons(rows, apply(rows, Params(**settings))) == ([], {"out": reason.strip()})


def test_a_part_just_inside_its_bounds_stays(pair, reasons):
    bounds = Params(max_prompt_chars=9, max_prompt_words=2, max_chars=11, min_words=2, max_words=2)
    assert reasons([pair()], apply([pair()], bounds)) == (["a"], {})
