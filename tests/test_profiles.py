"""Every profile, laid over params.yaml, is a night that could run: typed, its methods there, its names known."""

import importlib
import shutil
from pathlib import Path

import pytest

from flows import overlays
from rlhf_pipeline import methods
from rlhf_pipeline.methods import MethodError
from rlhf_pipeline.params import load_params
from rlhf_pipeline.rewards import training as rewards
from rlhf_pipeline.sft import training as sft

ROOT = Path(__file__).parents[1]
PROFILES = [None, *overlays.profiles(ROOT)]


@pytest.fixture
def project(tmp_path):
    shutil.copy(ROOT / "params.yaml", tmp_path)
    shutil.copytree(ROOT / "profiles", tmp_path / "profiles")
    return tmp_path


@pytest.fixture(params=PROFILES, ids=lambda name: name or "defaults")
def params(request, project):
    overlays.apply(request.param, [], root=project)
    return load_params(project / "params.yaml")


def test_its_methods_take_its_settings(params):
    curation, validation = params.curation, params.validation
    asked = [("curation/sources", curation.source, curation.settings)]
    asked += [("curation/filters", name, curation.filter_settings.get(name)) for name in curation.filters]
    asked += [("denoising/filters", n, params.denoising.filter_settings.get(n)) for n in params.denoising.filters]
    asked += [("rewards/objectives", m.objective, m.objective_settings) for m in params.rewards.members.values()]
    asked += [("validation/aggregators", validation.aggregator, validation.aggregator_settings)]
    asked += [("validation/checks", name, validation.check_settings.get(name)) for name in validation.checks]
    asked += [("policy/algorithms", params.policy.algorithm, params.policy.settings)]
    for folder, name, overrides in asked:
        methods.settings(methods.load(folder, name), overrides)


def test_its_trainings_take_its_settings(params):
    for name, trunk in params.sft.trunks.items():
        methods.parse_settings(sft.Params, {**params.sft.settings, **trunk.settings}, name)
    for name, member in params.rewards.members.items():
        methods.parse_settings(rewards.Params, {**params.rewards.settings, **member.settings}, name)


def test_settings_are_of_methods_that_are_chosen(params):
    assert set(params.curation.filter_settings) <= set(params.curation.filters)
    assert set(params.denoising.filter_settings) <= set(params.denoising.filters)
    assert set(params.validation.check_settings) <= set(params.validation.checks)


def test_every_trunk_that_a_choice_names_is_one(params):
    trunks = set(params.sft.trunks)
    assert {member.trunk for member in params.rewards.members.values()} <= trunks
    assert params.policy.reference in trunks


def test_every_architecture_is_a_file_of_the_project(params):
    files = [trunk.base for trunk in params.sft.trunks.values() if trunk.base.endswith(".json")]
    assert [name for name in files if not (ROOT / name).exists()] == []


def test_an_evaluator_shares_neither_trunk_nor_pairs_with_a_member(params):
    used = {
        role: {
            (key, getattr(m, key))
            for m in params.rewards.members.values()
            if m.role == role
            for key in ("trunk", "pairs")
        }
        for role in ("member", "evaluator")
    }
    assert used["member"]
    assert used["evaluator"]
    assert not used["evaluator"] & used["member"]


def test_a_profile_with_a_misspelt_key_is_refused(project):
    (project / "profiles/wrong.yaml").write_text("policy: {algoritm: grpo}\n")
    with pytest.raises(MethodError, match=r"policy\.algoritm: unknown key"):
        overlays.apply("wrong", [], root=project)


def test_the_guard_of_settings_refuses_a_planted_one():
    folder = next(folder for folder in methods.folders() if methods.names(folder))
    module = importlib.import_module(f"rlhf_pipeline.{folder.replace('/', '.')}.{methods.names(folder)[0]}")
    with pytest.raises(MethodError):
        methods.settings(module, {"no_such_setting": 1})
