"""Tests of which pairs a label would teach most about."""

import math

import pytest
import torch

from rlhf_pipeline.validation.teaching import FAILED_BITS, choose, find_topics, information, worth


def bits(disagreement, margin):
    return information(torch.tensor([disagreement]), torch.tensor([margin])).item()


def test_two_members_who_are_sure_of_opposite_sides_leave_nearly_one_bit_open():
    assert bits(100.0, 0.0) > 0.9


def test_members_who_agree_leave_nothing_open_on_a_tie_either():
    assert bits(0.0, 0.0) == pytest.approx(0, abs=1e-6)
    assert bits(0.0, 3.0) == pytest.approx(0, abs=1e-6)


def test_a_small_disagreement_on_a_tie_is_worth_what_its_second_order_says():
    # chance is 1/2 + m/4 to first order, and the entropy falls by 2/ln 2 times the square of what differs from 1/2
    assert bits(0.1, 0.0) == pytest.approx(2 / math.log(2) * 0.1**2 / 16, rel=0.02)


def test_which_side_leads_does_not_matter_and_a_lead_makes_a_label_worth_less():
    assert bits(1.0, 2.0) == pytest.approx(bits(1.0, -2.0), abs=1e-6)
    assert bits(1.0, 0.0) > bits(1.0, 1.0) > bits(1.0, 4.0)


def test_a_failed_check_adds_what_a_small_disagreement_on_a_tie_leaves_open():
    assert bits(0.4, 0.0) == pytest.approx(FAILED_BITS, rel=0.1)
    found = worth(torch.zeros(2), torch.zeros(2), torch.tensor([True, False]))
    assert (found[0] - found[1]).item() == pytest.approx(FAILED_BITS)


def test_the_most_worth_comes_first_and_of_equal_ones_the_nearer_tie():
    value, margin = torch.tensor([0.1, 0.5, 0.1, 0.1]), torch.tensor([3.0, 9.0, -1.0, 2.0])
    assert choose(value, margin, torch.zeros(4), 4, cap=4) == [1, 2, 3, 0]


def test_no_topic_gives_more_than_its_cap_while_others_can_fill():
    value, topics = torch.tensor([0.9, 0.8, 0.7, 0.2, 0.1]), torch.tensor([0, 0, 0, 1, 1])
    assert choose(value, torch.zeros(5), topics, 3, cap=2) == [0, 1, 3]
    assert sorted(choose(value, torch.zeros(5), topics, 5, cap=2)) == [0, 1, 2, 3, 4]
    assert choose(value, torch.zeros(5), torch.arange(5), 9, cap=2) == [0, 1, 2, 3, 4]


def test_a_worth_that_is_not_finite_is_refused():
    with pytest.raises(ValueError, match="NaN"):
        choose(torch.tensor([math.nan]), torch.zeros(1), torch.zeros(1), 1)


def test_topics_part_prompts_that_share_no_word_and_are_the_same_again():
    prompts = [f"boil an egg {n}" for n in range(10)] + [f"mend the roof {n}" for n in range(10)]
    found = find_topics(prompts, 2)
    assert len(set(found[:10].tolist())) == len(set(found[10:].tolist())) == 1
    assert found[0] != found[-1]
    assert torch.equal(found, find_topics(prompts, 2))
    assert find_topics(["the same"] * 3).tolist() == [0, 0, 0]
