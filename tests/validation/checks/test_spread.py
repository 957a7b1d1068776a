"""Tests of ties, and of members whose spreads are apart."""

import pytest
import torch

from rlhf_pipeline.validation import audit
from rlhf_pipeline.validation.ensemble import Ensemble
from tests.validation.conftest import ONE_HEAD, score_table


def test_a_format_ties_most_pairs_and_a_sound_reward_none(inputs, run_audit, scorers):
    scorers["format"] = lambda prompt, completion: float(completion.endswith("."))
    assert run_audit(inputs, ["format"], checks=["spread"]).value("tied/ensemble") == 1
    assert run_audit(inputs, ["perfect"], checks=["spread"]).value("tied/ensemble") == 0


def test_the_member_with_most_ties_is_named(inputs, run_audit, scorers):
    scorers["format"] = lambda prompt, completion: float("red" in completion)
    found = run_audit(inputs, ["perfect", "format"], checks=["spread"])
    finding = next(f for f in found.results["spread"].findings if f.metric == "tied_most/members")
    assert 0.5 < finding.interval.value < 1
    assert finding.interval.note == "member format"
    assert found.value("tied/ensemble") == 0


def test_members_scaled_by_their_own_spread_are_alike(inputs, run_audit, scorers):
    scorers["tenfold"] = lambda prompt, completion: 10 * scorers["perfect"](prompt, completion)
    found = run_audit(inputs, ["perfect", "tenfold"], checks=["spread"])
    assert found.value("scale_ratio/members") == pytest.approx(1, rel=1e-4)


def test_a_member_scaled_by_another_ones_spread_is_told_by_its_factor(inputs, scorers):
    plan = audit.plan(inputs, ["spread"], {})
    raw = score_table(plan.table, [scorers["perfect"]] * 2) * torch.tensor([[1.0], [3.0]])
    stale = audit.scale_members(plan, raw[[0, 0]])
    ensemble = Ensemble(dict.fromkeys(["sound", "stale"], ONE_HEAD), stale)
    *_, ratio, error = audit.run_checks(plan, ensemble, None, raw, seed=0)["spread"].findings
    assert ratio.interval.value == pytest.approx(3, rel=1e-4)
    assert ratio.interval.note == "stale over sound"
    assert error.interval.value == pytest.approx(3, rel=0.2)
    assert error.interval.note == "member stale"


@pytest.mark.parametrize("normalisation", ["within_prompt", "global"])
@pytest.mark.parametrize("factor", [1.0, 2.0, 0.5])
def test_scales_that_are_all_off_by_a_factor_are_told_though_members_agree(inputs, scorers, normalisation, factor):
    plan = audit.plan(inputs, ["spread"], {})
    raw = score_table(plan.table, [scorers["perfect"]] * 2)
    ensemble = Ensemble(
        dict.fromkeys(["a", "b"], ONE_HEAD), audit.scale_members(plan, raw / factor), normalisation=normalisation
    )
    *_, ratio, error = audit.run_checks(plan, ensemble, None, raw, seed=0)["spread"].findings
    assert ratio.interval.value == pytest.approx(1, rel=1e-4)
    assert error.interval.value == pytest.approx(max(factor, 1 / factor), rel=0.2)
    assert error.interval.low <= error.interval.value <= error.interval.high


def test_one_member_has_no_ratio_and_an_error(inputs, run_audit):
    found = run_audit(inputs, ["perfect"], checks=["spread"])
    assert found.value("scale_ratio/members") is None
    assert 1 <= found.value("scale_error/members") < 1.2
