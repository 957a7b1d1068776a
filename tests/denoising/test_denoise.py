import sys
from types import ModuleType

import pytest

from rlhf_pipeline import methods
from rlhf_pipeline.curation.filters import Filtered
from rlhf_pipeline.denoising.denoise import denoise
from rlhf_pipeline.denoising.filters import Context
from rlhf_pipeline.methods import MethodParams
from rlhf_pipeline.params import Denoising

ROWS = [{"id": str(n), "margin": float(n)} for n in range(4)]


class Params(MethodParams):
    least: float = 0.0


def apply(rows, params, context):
    """Drop rows that score below `least`; turn the margin of the others."""
    scores = context.score(context.train(rows, context.seed), rows)
    kept = [row | {"margin": -row["margin"]} for row, s in zip(rows, scores, strict=True) if s >= params.least]
    return Filtered(kept, [(row, f"score {s}") for row, s in zip(rows, scores, strict=True) if s < params.least])


@pytest.fixture
def context(tmp_path):
    return Context(tmp_path, 7, train=lambda rows, seed: seed, score=lambda model, rows: [r["margin"] for r in rows])


@pytest.fixture
def planted(monkeypatch):
    """A filter of the folder, for the folder has none yet."""
    module = ModuleType("rlhf_pipeline.denoising.filters.planted")
    module.Params, module.apply = Params, apply
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setattr(methods, "names", lambda folder: ["planted"])


def test_without_filters_every_row_goes_through_unchanged(context):
    denoised = denoise(ROWS, Denoising(), context)
    assert denoised.rows == ROWS
    assert denoised.dropped == []
    assert denoised.metrics == {"num_read": 4, "num_kept": 4, "num_dropped": 0, "num_changed": 0}


def test_a_filter_gets_its_settings_and_the_models_and_its_work_is_counted(planted, context):
    params = Denoising(filters=["planted"], filter_settings={"planted": {"least": 2}})
    denoised = denoise(ROWS, params, context)
    assert [row["margin"] for row in denoised.rows] == [-2, -3]
    assert next((row["id"], row["filter"], row["reason"]) for row in denoised.dropped) == ("0", "planted", "score 0.0")
    assert denoised.metrics["num_changed"] == 2
    assert denoised.metrics["dropped/planted"] == 2


def test_an_unknown_filter_is_refused():
    with pytest.raises(ValueError, match=r"unknown method 'magic' in denoising/filters\. Known: none"):
        Denoising(filters=["magic"])
