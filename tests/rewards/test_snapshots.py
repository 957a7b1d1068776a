"""Tests of where snapshots are taken; that they are the training's own weights is tested in test_training.py."""

import pytest

from rlhf_pipeline.rewards.snapshots import points


@pytest.mark.parametrize(
    ("num_snapshots", "num_steps", "expected"),
    [(1, 30, [30]), (3, 30, [20, 25, 30]), (2, 7, [5, 7]), (3, 5, [3, 4, 5]), (1, 1, [1])],
)
def test_points_divide_the_last_half_and_end_at_the_end(num_snapshots, num_steps, expected):
    assert points(num_snapshots, num_steps) == expected


def test_more_snapshots_than_steps_are_refused():
    with pytest.raises(ValueError, match="snapshots: 6 in the last half of 10 steps; write at most 5"):
        points(6, 10)
