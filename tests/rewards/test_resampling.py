"""Tests of which pairs a member learns from."""

import statistics

import pytest

from rlhf_pipeline.rewards.resampling import bootstrap, head_weights, part

ROWS = [{"id": f"p{n}", "group": f"g{n // 2}"} for n in range(40)]


def groups(rows):
    return {row["group"] for row in rows}


def test_a_bootstrap_draws_whole_groups_with_replacement():
    drawn = bootstrap(ROWS, seed=0)
    counts = {row["group"]: 0 for row in ROWS}
    for row in drawn:
        counts[row["group"]] += 1
    assert all(count % 2 == 0 for count in counts.values())  # both pairs of a group or none
    assert min(counts.values()) == 0
    assert max(counts.values()) > 2
    assert len(drawn) == len(ROWS)
    assert bootstrap(ROWS, seed=0) == drawn != bootstrap(ROWS, seed=1)


def test_parts_share_no_group_and_leave_no_pair_out():
    parts = [part(ROWS, number, 3) for number in (1, 2, 3)]
    assert [len(groups(own)) for own in parts] == [7, 7, 6]
    assert groups(parts[0]) | groups(parts[1]) | groups(parts[2]) == groups(ROWS)
    assert sum(map(len, parts)) == len(ROWS)


def test_a_part_does_not_depend_on_the_order_of_the_pairs():
    assert part(ROWS[::-1], 2, 3) == part(ROWS, 2, 3)[::-1]
    assert part(ROWS, 1, 1) == ROWS


def test_more_parts_than_groups_are_refused():
    with pytest.raises(ValueError, match=r"part: \[1, 21\] of 20 groups; write at most 20 parts"):
        part(ROWS, 1, 21)


def test_one_head_counts_every_pair_once():
    assert {tuple(head_weights(row, 1, seed=5)) for row in ROWS} == {(1.0,)}


def test_a_weight_follows_from_seed_and_group_and_differs_between_heads():
    rows = [{"id": str(n), "group": str(n)} for n in range(2000)]
    drawn = [head_weights(row, 4, seed=0) for row in rows]
    assert head_weights({"id": "other", "group": "7"}, 4, seed=0) == drawn[7]
    assert drawn != [head_weights(row, 4, seed=1) for row in rows]
    for head in range(4):
        own = [weights[head] for weights in drawn]
        assert statistics.mean(own) == pytest.approx(1, abs=0.1)
        assert own.count(0.0) / len(own) == pytest.approx(0.368, abs=0.04)  # what a bootstrap leaves out: 1 / e
    assert statistics.correlation(*([weights[head] for weights in drawn] for head in (0, 1))) < 0.1
