"""Tests of the page on ensembles: what its figures mean, and that it is written from a lab."""

from dataclasses import replace

import pytest
import torch

from benchmarks import ensembles, kinds
from benchmarks.claims.lab import Lab
from benchmarks.claims.sizes import TOY


def test_auroc_is_the_chance_that_a_mistake_is_more_disputed():
    scores, wrong = torch.tensor([0.9, 0.8, 0.1, 0.2]), torch.tensor([True, True, False, False])
    assert kinds.auroc(scores, wrong) == 1.0
    assert kinds.auroc(scores, ~wrong) == 0.0
    assert kinds.auroc(torch.ones(4), wrong) == 0.5


def test_a_rejection_curve_keeps_the_least_disputed_first():
    right = torch.tensor([True] * 8 + [False] * 2)
    curve = kinds.rejection(torch.arange(10.0), right)
    assert curve["right at 10%"] == curve["right at 80%"] == 1.0
    assert curve["right at 100%"] == pytest.approx(0.8)


def test_a_table_holds_means_with_intervals_and_a_dash_where_nothing_was_measured():
    seeds = [{"a | mean": {"x": value}} for value in (1.0, 3.0)]
    assert "| a | mean | 2.000 (-10.706 to 14.706) | - |" in ensembles.table(seeds, ["x", "y"], ["a | mean"])


@pytest.mark.slow
def test_every_kind_and_aggregator_is_measured_and_told(tmp_path, monkeypatch):
    lab = Lab(3, replace(TOY, num_train=320), tmp_path / "parts")  # steps enough for four snapshots
    monkeypatch.setattr(kinds, "Lab", lambda seed: lab)
    found = {3: kinds.measure_seed(3)}
    page = ensembles.page(found)
    assert page.count("| mean |") >= 2 * len(ensembles.KINDS)
    told = {name: one for name, one in found[3].items() if name != kinds.POLICIES}
    assert all(0 <= measured["agreement, in"] <= 1 for measured in told.values())
    assert "auroc, out" not in found[3][f"{kinds.ALONE} | mean"]
    ensembles.draw(list(found.values()), tmp_path / "picture.png")
    assert (tmp_path / "picture.png").read_bytes().startswith(b"\x89PNG")
