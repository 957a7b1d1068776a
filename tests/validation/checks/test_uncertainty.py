"""Tests of what disagreement tells of mistakes."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from rlhf_pipeline.validation.checks.uncertainty import auroc, rejection_curve


def test_the_area_is_that_of_the_field():
    rng = np.random.default_rng(0)
    scores, right = rng.normal(size=300), (rng.random(300) < 0.7).astype(float)
    scores[::7] = scores[0]  # ties
    found = auroc(scores, right, [str(i) for i in range(300)], seed=0)
    assert found.value == pytest.approx(roc_auc_score(1 - right, scores))
    assert found.low < found.value < found.high


def test_disagreement_that_marks_every_mistake_has_area_one_and_chance_a_half():
    right = np.array([1.0] * 30 + [0.0] * 10)
    clusters = [str(i) for i in range(40)]
    assert auroc(1 - right, right, clusters, 0).value == pytest.approx(1)
    assert auroc(right, right, clusters, 0).value == pytest.approx(0)
    assert auroc(np.ones(40), right, clusters, 0).value == pytest.approx(0.5)
    assert auroc(np.ones(40), np.ones(40), clusters, 0).note == "all right"


def test_the_curve_ends_at_the_whole_and_begins_with_the_least_disputed():
    curve = rejection_curve(np.array([1.0] * 5 + [0.0] * 5), num_points=5)
    assert [row["accuracy"] for row in curve] == pytest.approx([1, 1, 5 / 6, 5 / 8, 0.5], abs=1e-6)
    assert curve[-1] == {"coverage": 1.0, "accuracy": 0.5, "count": 10}


def test_members_that_part_where_the_ensemble_errs_are_seen(inputs, run_audit, scorers):
    scorers["twin"] = lambda prompt, completion: 2 * scorers["perfect"](prompt, completion)
    found = run_audit(inputs, ["perfect", "twin"], checks=["uncertainty"])
    assert found.value("undisputed_accuracy/ensemble") == 1
    assert found.results["uncertainty"].findings[0].interval.note == "all right"
    assert found.results["uncertainty"].rows[-1]["coverage"] == 1


def test_one_member_alone_is_not_measured(inputs, run_audit):
    found = run_audit(inputs, ["perfect"], checks=["uncertainty"])
    assert {f.interval.note for f in found.results["uncertainty"].findings} == {"one member"}
