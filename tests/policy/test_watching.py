"""Tests of the guard in the loop, with a held-out reward that dislikes what the policy learns."""

import json

import pytest
import torch

from rlhf_pipeline import methods, models
from rlhf_pipeline.mistakes import Mistake
from rlhf_pipeline.policy.guard.reward_hack_monitor import Params
from rlhf_pipeline.policy.watching import Plan
from rlhf_pipeline.records import hash_folder

CLIMB = {"num_steps": 16, "batch_size": 48, "num_generations": 8, "learning_rate": 0.02, "save_samples_steps": 4}
CLIMB |= {"num_sampled_prompts": 12, "beta": 0.001}
HELD_OUT_ALONE = Params(alarming=["held_out_falls"], num_signs=99)
"""A policy of six words that is paid for one of them soon says nothing else, and repeats itself."""
SLOW = pytest.mark.slow
ALGORITHMS = methods.names("policy/algorithms")


@pytest.fixture
def hacked(ensemble):
    """Return a plan of an action, with a guard that dislikes every word that the policy is paid for."""
    return lambda action, **more: Plan(action, **{"params": HELD_OUT_ALONE, "held_out": [ensemble((-1.0,))], **more})


def weights(folder):
    return models.load_policy(folder)[0].state_dict()


def are_equal(first, second) -> bool:
    return all(torch.equal(first[name], second[name]) for name in first)


def test_a_warning_is_printed_and_measured_and_changes_nothing(run, hacked, tmp_path, capsys):
    warned = run("grpo", out=tmp_path / "warned", plan=hacked("warn"), **CLIMB)
    told = capsys.readouterr().out
    plain = run("grpo", out=tmp_path / "plain", plan=Plan(params=HELD_OUT_ALONE), **CLIMB)
    alarm = warned["metrics"].pop("guard/alarm_step")
    assert alarm in (4, 8, 12, 16)
    assert f"guard: step {alarm}: held out falls" in told
    assert told.count("guard:") == 1
    assert warned["metrics"] == plain["metrics"]
    assert hash_folder(tmp_path / "warned") == hash_folder(tmp_path / "plain")
    assert all("held_out" in row for row in warned["samples"])
    assert not any("held_out" in row for row in plain["samples"])


def test_a_policy_that_the_held_out_reward_follows_raises_no_alarm(run, ensemble):
    found = run("grpo", plan=Plan("stop", params=HELD_OUT_ALONE, held_out=[ensemble((1.0,))]), **CLIMB)
    assert "guard/alarm_step" not in found["metrics"]
    assert found["metrics"]["num_steps"] == 16


def test_stop_ends_the_training_at_the_alarm(run, hacked, tmp_path):
    found = run("grpo", out=tmp_path / "stopped", plan=hacked("stop"), **CLIMB)
    alarm = found["metrics"]["guard/alarm_step"]
    assert alarm < 16
    assert found["trajectory"][-1]["step"] == alarm - 1
    run("grpo", out=tmp_path / "short", **{**CLIMB, "num_steps": int(alarm)})
    assert are_equal(weights(tmp_path / "stopped"), weights(tmp_path / "short"))


@pytest.mark.parametrize("name", [n if n in ("grpo", "dpo") else pytest.param(n, marks=SLOW) for n in ALGORITHMS])
def test_roll_back_keeps_the_policy_of_the_step_before(run, hacked, reference, tmp_path, name):
    own = {**CLIMB, "num_steps": 48, "beta": 0.01} if name == "dpo" else CLIMB
    params = HELD_OUT_ALONE.model_copy(update={"fall_errors": 1.0})
    found = run(name, out=tmp_path / "kept", plan=hacked("roll_back", params=params), **own)
    kept = found["metrics"]["guard/kept_step"]
    assert kept < found["metrics"]["guard/alarm_step"]
    run(name, out=tmp_path / "warned", plan=hacked("warn"), **own)
    assert not are_equal(weights(tmp_path / "kept"), weights(tmp_path / "warned"))
    assert are_equal(weights(tmp_path / "kept"), weights(reference)) is (kept == 0)


def test_a_rolled_back_training_that_was_killed_keeps_the_same_policy(run, hacked, tmp_path, killed_at, ensemble):
    options = {"plan": hacked("roll_back"), **CLIMB, "save_samples_steps": 2, "save_fraction": 0.1}
    undisturbed = run("grpo", out=tmp_path / "undisturbed", **options)
    killed_at(lambda: run("grpo", out=tmp_path / "resumed", checkpoints=tmp_path / "c", **options), step=3)
    resumed = run("grpo", out=tmp_path / "resumed", checkpoints=tmp_path / "c", **options)
    assert json.dumps(resumed) == json.dumps(undisturbed)
    assert hash_folder(tmp_path / "resumed") == hash_folder(tmp_path / "undisturbed")


@pytest.mark.parametrize("name", ["grpo", "online_dpo", *(pytest.param(n, marks=SLOW) for n in ("rloo", "ppo_kl"))])
def test_a_raised_kl_weight_holds_the_policy_nearer_to_the_reference(run, hacked, name):
    overrides = {**CLIMB, "beta": 0.01}
    free = run(name, plan=hacked("warn"), **overrides)["metrics"]
    held = run(name, plan=hacked("raise_beta", factor=100.0), **overrides)["metrics"]
    assert held["guard/raises"] >= 1
    assert held["kl/last"] < free["kl/last"]


def test_a_raised_kl_weight_is_raised_again_by_a_resumed_training(run, hacked, tmp_path, killed_at):
    options = {"plan": hacked("raise_beta"), **CLIMB, "beta": 0.01, "save_fraction": 0.1, "save_samples_steps": 2}
    undisturbed = run("online_dpo", out=tmp_path / "undisturbed", **options)
    killed_at(lambda: run("online_dpo", out=tmp_path / "r", checkpoints=tmp_path / "c", **options), step=12)
    assert run("online_dpo", out=tmp_path / "r", checkpoints=tmp_path / "c", **options) == undisturbed
    assert hash_folder(tmp_path / "r") == hash_folder(tmp_path / "undisturbed")


@pytest.mark.parametrize("name", ["grpo", "raft"])
def test_a_kl_weight_of_zero_cannot_be_raised(run, hacked, name):
    with pytest.raises(Mistake, match=r"policy.settings.beta, which is 0"):
        run(name, plan=hacked("raise_beta"), **{**CLIMB, "beta": 0.0})
