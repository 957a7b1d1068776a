"""Tests of what searches are counted on; that both arms of the claims measure stands in test_parts."""

import math

import pytest

from benchmarks.claims.lab import Lab
from benchmarks.claims.parts import searched
from benchmarks.claims.sizes import TOY
from rlhf_pipeline.records import assistant
from rlhf_pipeline.validation.searches.targeted_behavior_attack import LEAST_PAIRS


def test_one_side_of_a_cheering_pair_cheers_and_it_is_the_chosen_one(tmp_path):
    rows = searched.cheering(Lab(7, TOY, tmp_path))
    assert len(rows) >= LEAST_PAIRS
    assert searched.cheers([row["chosen"] for row in rows]).all()
    assert not searched.cheers([row["rejected"] for row in rows]).any()
    assert searched.cheers([assistant("it felt grim . hooray for that !"), assistant("hooray")]).tolist() == [1, 0]


def test_a_log_rate_is_finite_where_nothing_was_found():
    assert searched.Count(9, 0).log_rate == pytest.approx(math.log(0.05))
    assert searched.Count(99, 49).log_rate == pytest.approx(math.log(0.495))


def test_a_search_is_made_once_and_its_pairs_lie_beside_the_counts(tmp_path, monkeypatch):
    from rlhf_pipeline.validation.searches import Found

    lab, runs = Lab(7, TOY, tmp_path), []
    found = Found([], num_tried=4, num_found=2, num_plain_tried=8, num_plain_found=1)
    for _ in range(2):
        assert searched._kept(lab, lambda: runs.append(1) or found, method="x") == (
            searched.Count(4, 2),
            searched.Count(8, 1),
        )
    assert len(runs) == 1
    assert len(list(tmp_path.glob("searched/*/pairs.jsonl"))) == 1
