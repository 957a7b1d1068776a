import pytest

from rlhf_pipeline.curation import predictors


def mean(values):
    return sum(values) / len(values)


def test_longer_chosen_sides_are_counted_and_equal_lengths_by_half(pair):
    rows = [pair(chosen="aaa", rejected="a"), pair(chosen="a", rejected="aa"), pair(chosen="a", rejected="b")]
    assert predictors.is_longer(rows) == [1.0, 0.0, 0.5]


def test_words_that_give_the_choice_away_are_found_and_random_ones_are_not(pairs):
    rows = pairs(400)
    assert mean(predictors.is_foretold(rows)) == pytest.approx(0.5, abs=0.1)
    planted = [
        row | {"chosen": [{"role": "assistant", "content": row["chosen"][0]["content"] + " yes"}]} for row in rows
    ]
    assert mean(predictors.is_foretold(planted)) > 0.95


def test_a_word_learned_in_one_group_is_of_no_use_in_another(pair):
    rows = [pair(str(n), f"p{n % 5}", f"w{n % 5} here", f"x{n % 5} here") for n in range(200)]
    assert mean(predictors.is_foretold(rows)) == pytest.approx(0.5, abs=0.01)


@pytest.mark.parametrize("chosen", ["!", "w{n}"])
def test_sides_that_share_no_word_foretell_nothing(pair, chosen):
    rows = [pair(str(n), f"p{n}", chosen.format(n=n), "?") for n in range(200)]
    assert predictors.is_foretold(rows) == [0.5] * 200


def test_few_rows_are_not_measured(pairs):
    assert predictors.measure(pairs(predictors.MIN_PAIRS - 2)) == {}


def test_agreement_is_with_the_majority_of_the_others(pair):
    def rows(*votes):
        told = [{"annotator": name, "vote": vote} for name, vote in zip("xyz", votes, strict=True)]
        return [pair(str(n), votes=told) for n in range(predictors.MIN_VOTES)]

    scores = predictors.agreement(rows("chosen", "chosen", "rejected"))
    assert scores == {"z": [False] * predictors.MIN_VOTES}  # of the others of x and y, one votes each way
    assert predictors.agreement(rows("chosen", "chosen", "tie")).keys() == {"x", "y"}
    assert predictors.agreement(rows("chosen", "chosen", "tie")[1:]) == {}
