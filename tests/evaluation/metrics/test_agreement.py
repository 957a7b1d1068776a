import torch

from rlhf_pipeline.evaluation.metrics.agreement import agreements


def test_gold_ties_are_left_out_and_tied_rewards_count_half():
    margins = torch.tensor([2.0, -1.0, 0.0, 5.0])
    gold_margins = torch.tensor([0.1, 3.0, -1.0, 0.0])
    assert agreements(margins, gold_margins).tolist() == [1.0, 0.0, 0.5]


def test_the_opposite_reward_agrees_where_the_reward_does_not():
    margins, gold_margins = torch.randn(50), torch.randn(50)
    total = agreements(margins, gold_margins) + agreements(-margins, gold_margins)
    assert total.tolist() == [1.0] * 50
