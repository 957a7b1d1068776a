"""Tests of whether an audit predicts the outcome: what the figures mean, and that they are made at a small size."""

import numpy as np
import pytest

from benchmarks import predicts
from benchmarks.claims.sizes import TOY


def rows(finding, accuracy, outcome):
    return [
        {
            "trunk": str(i % 6),
            predicts.BEST: o,
            "found": {"contrast_joint/ensemble": f, "accuracy/ensemble": a, "ece/ensemble": -f},
        }
        for i, (f, a, o) in enumerate(zip(finding, accuracy, outcome, strict=True))
    ]


def test_a_finding_that_repeats_accuracy_tells_nothing_beyond_it():
    rng = np.random.default_rng(0)
    accuracy = rng.normal(size=60)
    outcome = accuracy + 0.3 * rng.normal(size=60)
    found = predicts.summarise(rows(accuracy + 0.3 * rng.normal(size=60), accuracy, outcome), "contrast_joint/ensemble")
    value, low, high = found["given accuracy"]
    assert found["all"][1] > 0.5
    assert low < 0 < high
    assert abs(value) < 0.3


def test_a_finding_that_sees_what_accuracy_does_not_tells_more():
    rng = np.random.default_rng(0)
    accuracy, seen = rng.normal(size=60), rng.normal(size=60)
    found = predicts.summarise(rows(seen, accuracy, accuracy + seen), "contrast_joint/ensemble")
    assert found["given accuracy"][1] > 0.8
    turned = predicts.summarise(rows(seen, accuracy, accuracy + seen), "ece/ensemble")
    assert turned["given accuracy"] == pytest.approx(found["given accuracy"])


def test_choosing_the_best_is_one_and_the_mean_sample_none():
    import torch

    gold = torch.tensor([[0.0, 2.0], [4.0, 2.0]])
    assert predicts.share_of_best(3.0, gold) == 1.0
    assert predicts.share_of_best(2.0, gold) == 0.0


def strip(found):
    return [{name: value for name, value in row.items() if name != predicts.POLICY} for row in found]


@pytest.mark.slow
def test_every_model_of_a_small_world_is_audited_as_it_is_and_with_faults(tmp_path, monkeypatch):
    real, trained = predicts.optimise, []

    def optimise(lab, folder, fault, strength):
        # A policy takes seconds even here: only the first with a fault is trained.
        if fault == "none" or trained:
            return strength
        trained.append(real(lab, folder, fault, strength))
        return trained[0]

    monkeypatch.setattr(predicts, "optimise", optimise)
    found = predicts.measure_seed(3, TOY, tmp_path, with_policies=True)
    assert (len(found), len(trained)) == (24, 1)
    assert sum(row["fault"] == "none" for row in found) == 8
    assert all("accuracy/ensemble" in row["found"] for row in found)
    told = predicts.page(found)
    assert "## Gold of a policy" in told
    assert "No policy was trained" not in told
    assert "No policy was trained" in predicts.page(strip(found))
