import pytest

from rlhf_pipeline.curation import predictors


def test_longer_chosen_sides_are_counted_and_equal_lengths_by_half(pair):
    rows = [pair(chosen="aaa", rejected="a"), pair(chosen="a", rejected="aa"), pair(chosen="a", rejected="b")]
    assert predictors.longer_share(rows) == 0.5
    assert predictors.longer_share(rows[:1]) == 1.0


def test_words_that_give_the_choice_away_are_found_and_random_ones_are_not(pairs):
    rows = pairs(400)
    assert predictors.words_accuracy(rows) == pytest.approx(0.5, abs=0.1)
    planted = [
        row | {"chosen": [{"role": "assistant", "content": row["chosen"][0]["content"] + " yes"}]} for row in rows
    ]
    assert predictors.words_accuracy(planted) > 0.95


def test_a_word_learned_in_one_group_is_of_no_use_in_another(pair):
    rows = [pair(str(n), f"p{n % 5}", f"w{n % 5} here", f"x{n % 5} here") for n in range(200)]
    assert predictors.words_accuracy(rows) == pytest.approx(0.5, abs=0.01)


def test_few_rows_are_not_measured(pairs):
    assert predictors.measure(pairs(predictors.MIN_PAIRS - 2)) == {}


def test_agreement_is_with_the_majority_of_the_others(pair):
    def rows(*votes):
        told = [{"annotator": name, "vote": vote} for name, vote in zip("xyz", votes, strict=True)]
        return [pair(str(n), votes=told) for n in range(predictors.MIN_VOTES)]

    scores = predictors.agreement(rows("chosen", "chosen", "rejected"))
    assert scores == {"z": 0.0}  # of the others of x and y, one votes each way
    assert predictors.agreement(rows("chosen", "chosen", "tie")) == {"x": 1.0, "y": 1.0}
    assert predictors.agreement(rows("chosen", "chosen", "tie")[1:]) == {}
