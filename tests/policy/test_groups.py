"""Tests of which prompts of a step train."""

import pytest
import torch
from datasets import Dataset

from rlhf_pipeline import methods, models
from rlhf_pipeline.policy import trainers
from rlhf_pipeline.policy.groups import Difficulty, difficulty, idle, leave_out, replace_rows

ROWS = torch.tensor([True, True, False, False])


def batch(width, **more):
    numbers = torch.arange(1, 4 * width + 1).view(4, width)
    return {
        "prompt_ids": numbers, "prompt_mask": torch.ones(4, width, dtype=torch.long), "completion_ids": 10 * numbers,
        "completion_mask": torch.ones(4, width, dtype=torch.long), "advantages": torch.arange(4.0),
        "num_items_in_batch": 9,
    } | more  # fmt: skip


def test_a_group_is_idle_where_all_its_completions_or_all_their_tokens_weigh_nothing():
    assert idle(torch.tensor([0.0, 0.0, 0.0, 1.0]), 2).tolist() == [True, False]
    assert idle(torch.tensor([0.1, 0.1, 0.1]) - 0.1, 3).tolist() == [True]
    tokens = torch.zeros(4, 3)
    tokens[2, 1] = -1
    assert idle(tokens, 2).tolist() == [True, False]


def test_a_prompt_counts_most_where_half_of_its_completions_succeed():
    rewards = torch.tensor([1.0, -1.0, 1.0, -1.0, 1.0, 1.0, 1.0, 1.0, 1.0, -1.0, -1.0, -1.0])
    weight = difficulty(rewards, 4, Difficulty(floor=0.1)).view(3, 4)
    assert weight[:, 0].tolist() == pytest.approx([1.0, 0.1, 0.75])
    assert torch.equal(weight, weight[:, :1].expand(-1, 4))


def test_what_is_left_out_is_gone_or_masked():
    shrunk = leave_out(batch(2), ROWS, can_shrink=True)
    assert shrunk["completion_ids"].tolist() == [[50, 60], [70, 80]]
    assert (shrunk["advantages"].tolist(), shrunk["num_items_in_batch"]) == ([2, 3], 9)
    masked = leave_out(batch(2), ROWS, can_shrink=False)
    assert masked["completion_mask"].tolist() == [[0, 0], [0, 0], [1, 1], [1, 1]]
    assert masked["advantages"].tolist() == [0, 1, 2, 3]


def test_rows_drawn_anew_take_the_place_of_idle_ones_whatever_their_width():
    fresh = {name: value[:2] if torch.is_tensor(value) else value for name, value in batch(3).items()}
    found = replace_rows(batch(2), fresh, ROWS, pad=-7)
    assert found["prompt_ids"].tolist() == [[1, 2, 3], [4, 5, 6], [-7, 5, 6], [-7, 7, 8]]
    assert found["prompt_mask"].tolist() == [[1, 1, 1], [1, 1, 1], [0, 1, 1], [0, 1, 1]]
    assert found["completion_ids"].tolist() == [[10, 20, 30], [40, 50, 60], [50, 60, -7], [70, 80, -7]]
    assert found["advantages"].tolist() == [0, 1, 2, 3]


@pytest.fixture
def made(reference, prompts):
    """Return a function that makes a trainer whose reward is the same for every completion of the first prompt."""

    def make(name, **overrides):
        policy, tokenizer = models.load_policy(reference)
        data = Dataset.from_list(
            [{"prompt": p["prompt"], "prompt_index": i, "row": p["id"]} for i, p in enumerate(prompts)]
        )

        def reward(completions, prompt_index, **_):
            texts = [completion[-1]["content"] for completion in completions]
            return [1.0 if i == 0 else float(len(said)) for i, said in zip(prompt_index, texts, strict=True)]

        method = methods.load("policy/algorithms", name)
        sizes = {"num_steps": 3, "batch_size": 48, "num_generations": 4, "max_completion_length": 6}
        params = methods.settings(method, {**sizes, **overrides})
        return method.trainer(trainers.Setup(policy, tokenizer, data, reward, seed=3), params)

    return make


def kept_rows(trainer):
    sizes, compute = [], trainer._compute_loss

    def watch(model, inputs):
        sizes.append(int((inputs["completion_mask"].sum(dim=1) > 0).sum()))
        return compute(model, inputs)

    trainer._compute_loss = watch
    trainer.train()
    return sizes


@pytest.mark.parametrize("name", ["grpo", "rloo", "raft", "ppo_kl"])
def test_idle_groups_are_skipped_by_every_algorithm(made, name):
    # Twelve prompts of four completions a step, the first without spread. PPO weighs tokens, and a KL term in the
    # reward has a spread of its own.
    assert kept_rows(made(name, idle_groups="skip", beta=0.0)) == [48 if name == "ppo_kl" else 44] * 3
    assert kept_rows(made(name)) == [48] * 3


def test_idle_groups_are_masked_where_the_batch_is_split(made):
    sizes = kept_rows(made("grpo", idle_groups="skip", rows_at_once=12))
    assert [sum(sizes[i : i + 4]) for i in (0, 4, 8)] == [44] * 3


def test_idle_groups_are_drawn_again_once(made):
    trainer, drawn = made("grpo", idle_groups="resample"), []
    generate = trainer._generate
    trainer._generate = lambda prompts: drawn.append(len(prompts)) or generate(prompts)
    assert kept_rows(trainer) == [48] * 3
    assert drawn == [48, 4] * 3


def test_a_weight_by_difficulty_reaches_the_advantages(made):
    trainer, seen = made("grpo", difficulty={"success": 1e9, "floor": 0.25}), []
    compute = trainer._compute_loss
    trainer._compute_loss = lambda model, inputs: (
        seen.append(inputs["advantages"].abs().sum()) or compute(model, inputs)
    )
    trainer.train()
    plain, all_ = made("grpo"), []
    again = plain._compute_loss
    plain._compute_loss = lambda model, inputs: all_.append(inputs["advantages"].abs().sum()) or again(model, inputs)
    plain.train()
    assert seen[0].item() == pytest.approx(0.25 * all_[0].item())  # nothing succeeds, so the floor is all there is
