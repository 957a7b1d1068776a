from dataclasses import dataclass

import torch

from rlhf_pipeline.evaluation.judges import Ratings
from rlhf_pipeline.evaluation.sides import Side, index_of, keep_best, side_by_side, texts
from rlhf_pipeline.records import user


@dataclass
class Drawn:
    text: str


SAMPLES = [[Drawn("a"), Drawn("b")], [Drawn("c"), Drawn("d")]]


def test_samples_stand_prompt_after_prompt():
    rewards = torch.tensor([1.0, 2.0, 3.0, 4.0])
    side = Side(SAMPLES, Ratings(rewards, rewards, None, None))
    assert side.per_prompt(rewards).tolist() == [[1.0, 2.0], [3.0, 4.0]]
    assert index_of(SAMPLES) == [0, 0, 1, 1]
    assert texts(SAMPLES) == [["a", "b"], ["c", "d"]]


def test_the_first_completion_of_each_prompt_is_shown_with_the_rewards_there_are():
    rewards = torch.tensor([1.0, 2.0, 3.0, 4.0])
    side = Side(SAMPLES, Ratings(rewards, rewards, None, -rewards))
    rows = side_by_side([{"id": "x", "prompt": user("p")}, {"id": "y", "prompt": user("q")}], {"policy": side})
    assert rows[1] == {
        "id": "y", "prompt": user("q"), "policy": {"completion": "c", "proxy_reward": 3.0, "gold_reward": -3.0},
    }  # fmt: skip


def test_the_best_of_every_few_completions_is_kept():
    six = [[Drawn(letter) for letter in "abcdef"], [Drawn(letter) for letter in "ghijkl"]]
    rewards = torch.tensor([0.0, 3.0, 1.0, 5.0, 4.0, 6.0, 9.0, 1.0, 2.0, 0.0, 0.0, 7.0])
    assert texts(keep_best(six, rewards, 3)) == [["b", "f"], ["g", "l"]]
    assert keep_best(six, rewards, 1) == six
