"""Tests of who wins a comparison."""

import torch

from rlhf_pipeline.validation.checks._comparisons import margins, wins
from rlhf_pipeline.validation.items import Comparison


def test_equal_scores_count_half():
    assert wins(torch.tensor([2.0, -0.1, 0.0])).tolist() == [1, 0, 0.5]


def test_margins_are_better_less_worse():
    comparisons = [Comparison("x", 0, 1, "g"), Comparison("y", 2, 0, "g")]
    assert margins(torch.tensor([1.0, 4.0, 9.0]), comparisons).tolist() == [-3, 8]
    assert margins(torch.tensor([1.0]), []).tolist() == []
