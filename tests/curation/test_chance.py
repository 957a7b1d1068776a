import random

import pytest

from rlhf_pipeline.curation import chance


def test_the_error_of_independent_values_is_that_of_the_textbook():
    found = chance.share([1, 1, 1, 0], list("abcd"))
    assert (found.value, found.num_groups) == (0.75, 4)
    assert found.error == pytest.approx(0.25)  # the values' deviation is a half, over the root of four


def test_rows_that_repeat_their_group_add_no_certainty():
    once = chance.share([1, 0, 1, 1], list("abcd"))
    thrice = chance.share([1, 0, 1, 1] * 3, list("abcd") * 3)
    assert thrice.error == pytest.approx(once.error)
    assert thrice.interval == pytest.approx(once.interval)


def test_one_group_alone_tells_nothing():
    found = chance.share([1.0] * 300, ["a"] * 300)
    assert (found.interval, chance.chance_of_share(found, 0.5)) == ((0.0, 1.0), 1.0)


def test_a_share_without_spread_is_certain():
    found = chance.share([1.0] * 300, [str(n) for n in range(300)])
    assert chance.chance_of_share(found, 0.5) == 0.0
    assert chance.chance_of_share(found, 1.0) == 1.0


def test_shares_both_ways_from_what_is_expected_are_as_unlikely():
    low, high = (chance.share([value] * 3 + [1 - value], list("abcd")) for value in (0, 1))
    assert chance.chance_of_share(low, 0.5) == pytest.approx(chance.chance_of_share(high, 0.5))
    assert chance.chance_of_share(high, 0.5) == pytest.approx(0.391, abs=0.001)  # t of 1 with 3 degrees of freedom
    assert chance.chance_of_difference(low, high) < chance.chance_of_share(low, 0.5)


def test_a_count_is_judged_by_both_tails():
    assert chance.chance_of_count(10, 10, 0.5) == pytest.approx(2 / 1024)
    assert chance.chance_of_count(5, 10, 0.5) == 1.0


def test_chance_is_below_a_twentieth_in_a_twentieth_of_draws_in_groups():
    rng = random.Random(0)
    names = [str(n // 3) for n in range(300)]

    def draw():
        tossed = [rng.randint(0, 1) for _ in range(100)]  # one for all three of a group
        return chance.chance_of_share(chance.share([tossed[n // 3] for n in range(300)], names), 0.5)

    assert sum(draw() < 0.05 for _ in range(400)) == pytest.approx(20, abs=12)
