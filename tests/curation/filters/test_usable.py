import pytest

from rlhf_pipeline.curation.filters.usable import Params, apply
from rlhf_pipeline.records import assistant, user

DEFECTS = {
    "chosen is missing": {"chosen": None},
    "chosen is no conversation: bool": {"chosen": True},
    "rejected is no conversation: str": {"rejected": "plain"},
    "prompt is no conversation: list": {"prompt": []},
    "rejected holds something that is no message": {"rejected": [{"role": "assistant", "content": 3}]},
    "prompt holds something that is no message": {"prompt": ["words"]},
    "chosen is empty": {"chosen": assistant("")},
    "rejected is empty": {"rejected": assistant(" \n\t")},
    "prompt has an empty message": {"prompt": user("  ")},
    "prompt does not end with a user's message": {"prompt": assistant("hello")},
    "chosen is not the assistant's": {"chosen": user("hello there")},
    "sides are equal": {"chosen": assistant("go  away"), "rejected": assistant("go away ")},
}


@pytest.mark.parametrize("reason", DEFECTS)
def test_a_planted_defect_is_dropped_with_its_reason_and_clean_rows_stay(pair, reasons, reason):
    rows = [pair("clean"), pair("defect") | DEFECTS[reason], pair("other")]
    assert reasons(rows, apply(rows, Params())) == (["clean", "other"], {"defect": reason})


def test_a_row_without_a_side_is_dropped(pair, reasons):
    rows = [{key: value for key, value in pair().items() if key != "rejected"}]
    assert reasons(rows, apply(rows, Params())) == ([], {"a": "rejected is missing"})


def test_an_empty_rejected_side_stays_where_asked_and_an_empty_chosen_side_does_not(pair, reasons):
    rows = [pair("rejected", rejected=""), pair("chosen", chosen="")]
    assert reasons(rows, apply(rows, Params(allow_empty_rejected=True))) == (
        ["rejected"],
        {"chosen": "chosen is empty"},
    )
