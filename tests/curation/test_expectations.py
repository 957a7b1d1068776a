import pytest

from rlhf_pipeline.curation.expectations import run_suite, table
from rlhf_pipeline.curation.split import with_groups


@pytest.fixture(scope="module")
def broken():
    """Return a function from splits to the rules they break."""

    def run(splits, num_read=100):
        return {rule.words for rule in run_suite(table(splits), num_read) if not rule.passed}

    return run


@pytest.fixture
def clean(pairs):
    rows = with_groups(pairs(20), "prompt")
    return {"train": rows[:10], "test": rows[10:]}


def test_clean_pairs_keep_every_rule(broken, clean):
    assert broken(clean) == set()


def test_an_empty_table_is_refused(broken):
    assert broken({"train": []}) == {"there are pairs, and no more than were read"}


def test_more_pairs_than_were_read_are_refused(broken, clean):
    assert broken(clean, num_read=19) == {"there are pairs, and no more than were read"}


DEFECTS = {
    "no id stands twice": {"id": "p1"},
    "every margin is at least 0": {"margin": -1.0},
    "no group is missing": {"group": None},
    "no group is empty": {"group": ""},
    "no prompt is empty": {"prompt": [{"role": "user", "content": " "}]},
    "no chosen is empty": {"chosen": [{"role": "assistant", "content": ""}]},
    "every prompt is the user's": {"prompt": [{"role": "assistant", "content": "words"}]},
    "every rejected is the assistant's": {"rejected": [{"role": "user", "content": "words"}]},
}


@pytest.mark.parametrize("rule", DEFECTS)
def test_one_planted_row_breaks_its_rule_alone(broken, clean, rule):
    clean["train"][0] |= DEFECTS[rule]
    assert broken(clean) == {rule}


def test_an_unknown_split_breaks_its_rule(broken, clean):
    test = clean.pop("test")
    assert broken({**clean, "dev": test}) == {"every split is a known one"}
