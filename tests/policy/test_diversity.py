import pytest

from rlhf_pipeline.policy.diversity import distinct_2, mean_self_repetition, self_repetition


def test_distinct_2_counts_pairs_over_all_texts_together():
    # a b, b a, a b | a b -> two different of four
    assert distinct_2(["a b a b", "A b"]) == 0.5


def test_texts_without_a_pair_have_no_diversity():
    assert distinct_2(["", "word"]) == 0.0


def test_self_repetition_is_the_share_of_triples_seen_before():
    # a b c, b c a, c a b, a b c -> one of four stood before
    assert self_repetition("a b c a b c") == 0.25
    assert self_repetition("all words differ here now") == 0.0
    assert self_repetition("a b") == 0.0


def test_one_word_over_and_over_comes_near_one():
    assert self_repetition("no " * 100) == pytest.approx(97 / 98)


def test_the_mean_is_over_texts():
    assert mean_self_repetition(["a b c a b c", "x y z"]) == 0.125
    assert mean_self_repetition([]) == 0.0
