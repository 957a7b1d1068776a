"""Tests of the claim that consistency trickles down: which pairs of models count, and who wins them."""

import pytest

from benchmarks import predicts
from benchmarks.claims.robustness.consistent_rewards_train_better import ACCURACY, lead

FINDING = "contrast_consistency/ensemble"


def model(accuracy, consistency, outcome):
    return {"found": {ACCURACY: accuracy, FINDING: consistency}, predicts.BEST: outcome}


def test_the_more_consistent_of_two_equally_accurate_models_wins_by_its_outcome():
    assert lead([model(0.7, 0.6, 1.0), model(0.705, 0.8, 2.0)], FINDING) == 0.5
    assert lead([model(0.7, 0.6, 2.0), model(0.705, 0.8, 1.0)], FINDING) == -0.5
    assert lead([model(0.7, 0.6, 1.0), model(0.705, 0.8, 1.0)], FINDING) == 0.0


def test_models_of_other_accuracy_or_equal_consistency_are_no_pair():
    assert lead([model(0.7, 0.6, 1.0), model(0.72, 0.8, 2.0)], FINDING) == 0.0
    assert lead([model(0.7, 0.8, 1.0), model(0.7, 0.8, 2.0)], FINDING) == 0.0
    three = [model(0.7, 0.6, 1.0), model(0.705, 0.8, 2.0), model(0.7, 0.7, 3.0)]
    assert lead(three, FINDING) == pytest.approx(2 / 3 - 0.5)
