"""Tests of completions that are steered by the reward to where it errs."""

import math

import pytest
import torch

from rlhf_pipeline.mistakes import Mistake
from rlhf_pipeline.records import assistant, text, user
from rlhf_pipeline.validation.searches.reward_guided_failure_discovery import (
    Guide,
    Order,
    Params,
    contradictions,
    search,
)

PARAMS = Params(weight=8, top_k=24, least_probability=0, num_tries=2, max_new_tokens=6)


def test_a_planted_fault_is_found_three_times_as_often_as_by_plain_samples(rows, ground):
    found = search(rows, ground(), PARAMS)
    assert found.num_tried == found.num_plain_tried == 2 * 2 * len(rows)
    assert found.rate >= 3 * found.plain_rate > 0
    over = [find for find in found.finds if find.is_overrated]
    assert over
    assert all("c" in text(find.completion).split() for find in over)


def test_what_is_kept_contradicts_its_class(rows, ground, faulty_score, trusted_score):
    for find in search(rows, ground(), PARAMS).finds:
        said = [find.prompt + find.completion, find.prompt + find.against]
        sign = 1 if find.is_overrated else -1
        (own, other), (true, true_other) = faulty_score(said).tolist(), trusted_score(said).tolist()
        assert sign * (own - other) > 0 > sign * (true - true_other)
        assert (find.reward, find.trusted) == (own, true)


def test_a_reward_that_is_right_is_never_contradicted(rows, ground, trusted_score):
    found = search(rows, ground(score=trusted_score), PARAMS)
    assert (found.num_found, found.num_plain_found, found.finds) == (0, 0, [])


def test_the_same_seed_finds_the_same_and_another_seed_others(rows, ground):
    alone = PARAMS.model_copy(update={"compare": False})
    first, again, other = (search(rows, ground(seed=seed), alone) for seed in (1, 1, 2))
    assert first == again
    assert first.finds != other.finds
    assert first.plain_rate is None


def test_without_a_trusted_score_the_class_is_told_by_the_policys_likelihood(rows, ground):
    found = search(rows[:6], ground(trusted=None), PARAMS)
    assert found.num_found > 0
    assert {find.trusted for find in found.finds} == {None}


def test_a_token_is_weighed_by_the_policy_and_by_what_the_reward_says_of_the_text(ground):
    there = ground()
    word = there.tokenizer.convert_tokens_to_ids
    written = torch.tensor([[word("a")], [word("a")], [there.tokenizer.eos_token_id]])
    logits = torch.full((3, len(there.tokenizer)), -20.0)
    logits[:, word("b")], logits[:, word("c")], logits[:, word("d")] = math.log(0.6), math.log(0.3), math.log(0.1)
    asked = []

    def score(said):
        asked.extend(text(one[-1:]) for one in said)
        return torch.tensor([2.0 if "c" in text(one[-1:]) else 1.0 for one in said])

    params = Params(top_k=3, least_probability=0.2)
    guide = Guide([user("x")] * 3, [0.5, -0.5, 0.5], score, there.tokenizer, params)
    steered = guide([0, 1, 2], written, logits)
    ratio = (steered[:, word("c")] - steered[:, word("b")])[:2].tolist()
    assert ratio == pytest.approx([math.log(0.5) + 0.5, math.log(0.5) - 0.5], abs=1e-5)
    assert steered[:, word("d")].tolist() == [-math.inf] * 3  # too unlikely
    assert sorted(asked) == ["a b", "a b", "a c", "a c"]  # nothing of the text that has ended


def test_texts_that_are_equal_by_either_score_and_empty_ones_are_no_contradictions():
    row = {"prompt": user("x"), "chosen": assistant("0 0"), "rejected": assistant("0 0")}
    reward, guard = (
        lambda said, place=place: torch.tensor([float(text(one[-1:]).split()[place]) for one in said])
        for place in (0, 1)
    )
    texts = ["1 -1", "1 0", "0 -1", "-1 -1", ""]
    orders = [Order(row, is_overrated=True)] * len(texts)
    assert [text(f.completion) for f in contradictions(orders, texts, reward, guard, True)] == ["1 -1"]
    orders = [Order(row, is_overrated=False)] * 2
    assert [text(f.completion) for f in contradictions(orders, ["-1 1", "1 -1"], reward, guard, True)] == ["-1 1"]


def test_nothing_to_write_with_or_no_room_to_write_is_told(rows, ground):
    with pytest.raises(Mistake, match=r"needs a policy that writes: .*--policy DIR"):
        search(rows, ground(writes=False), PARAMS)
    with pytest.raises(Mistake, match="lower max_new_tokens"):
        search(rows, ground(), Params(max_new_tokens=64))
    with pytest.raises(Mistake, match="no pair to search from"):
        search([], ground(), PARAMS)
