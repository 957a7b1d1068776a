import torch

from rlhf_pipeline.evaluation.metrics.win_rate import wins


def test_a_tie_is_half_a_win():
    # prompt 0: 2 beats 1 and ties 2 -> 1.5 of 2; prompt 1: 0 loses to both -> 0
    assert wins(torch.tensor([[2.0], [0.0]]), torch.tensor([[1.0, 2.0], [1.0, 3.0]])).tolist() == [0.75, 0.0]


def test_both_sides_together_win_everything():
    one, other = torch.randn(5, 3), torch.randn(5, 4)
    assert torch.allclose(wins(one, other) + wins(other, one), torch.ones(5))


def test_equal_sides_win_half():
    rewards = torch.randn(4, 3)
    assert torch.allclose(wins(rewards, rewards), torch.full((4,), 0.5))
