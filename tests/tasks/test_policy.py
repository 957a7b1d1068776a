"""Tests of the stage `policy` with real models: what it writes, and that it writes the same twice."""

import csv
import shutil

import pytest
import torch
import yaml

from rlhf_pipeline import models
from rlhf_pipeline.records import read_json, read_rows, user, write_json, write_rows
from rlhf_pipeline.scoring import load_reward_model
from rlhf_pipeline.validation.ensemble import Ensemble, EnsembleError
from rlhf_pipeline.validation.normalisation import Statistics
from tasks import policy

SETTINGS = {"num_steps": 2, "batch_size": 8, "num_generations": 4, "max_completion_length": 6, "num_sampled_prompts": 3}
WORDS = ["red", "blue", "green", "grey", "black", "white", "pink", "brown"]


def write_models(folder) -> None:
    architecture = {
        "model_type": "llama", "vocab_size": 64, "hidden_size": 16, "intermediate_size": 32,
        "num_hidden_layers": 1, "num_attention_heads": 2, "max_position_embeddings": 64,
    }  # fmt: skip
    write_json(folder / "tiny.json", architecture)
    tokenizer = models.train_tokenizer(iter([f"paint {' '.join(WORDS)}"]), 64, "words")
    trunk = folder / "data/sft/trunks/first"
    models.save_model(trunk, models.create_model(folder / "tiny.json", tokenizer, seed=0), tokenizer)
    members = folder / "data/rewards/members"
    for seed, name in enumerate(["a", "b"]):
        model, own = models.reward_model_from(trunk, seed)
        models.save_model(members / name, model, own)
    loaded = {name: load_reward_model(members / name) for name in ("a", "b")}
    statistics = Statistics(torch.ones(2), torch.zeros(2), torch.ones(2))
    describe(folder, loaded, statistics)


def describe(folder, loaded, statistics, guard=None) -> None:
    ensemble, members = folder / "data/validation/ensemble.json", folder / "data/rewards/members"
    own = Ensemble({name: one for name, one in loaded.items() if name != guard}, statistics)
    guards = Ensemble({guard: loaded[guard]}, statistics.select([0])) if guard else None
    own.write(ensemble, members, guards=guards)


@pytest.fixture(scope="module")
def night(root, tmp_path_factory):
    """Return a folder with all that the stage reads."""
    folder = tmp_path_factory.mktemp("night")
    params = yaml.safe_load((root / "params.yaml").read_text())
    member = {"trunk": "first", "pairs": "data/denoising/train.jsonl", "objective": "bradley_terry"}
    params["rewards"]["members"] = {"a": member, "b": member}
    params["policy"] |= {"threads": 1, "reference": "first", "algorithm": "grpo", "settings": SETTINGS}
    (folder / "params.yaml").write_text(yaml.safe_dump(params))
    rows = [{"id": f"p{n}", "prompt": user(f"paint {word}")} for n, word in enumerate(WORDS)]
    write_rows(folder / "data/curation/policy_prompts.jsonl", rows)
    write_models(folder)
    write_json(folder / "data/gate/curation.json", {"admitted": True, "enforced": True})
    write_json(folder / "data/gate/validation.json", {"admitted": False, "enforced": False})
    return folder


@pytest.fixture
def inside(night, tmp_path, monkeypatch):
    """Copy the night, go there, and keep its records beside it."""
    folder = tmp_path / "night"
    shutil.copytree(night, folder)
    monkeypatch.chdir(folder)
    (tmp_path / "records").mkdir()
    monkeypatch.setenv("RLHF_NIGHT_RECORDS", str(tmp_path / "records"))
    return folder


def outputs(folder) -> dict[str, bytes]:
    files = [path for path in sorted((folder / "data/policy").rglob("*")) if path.is_file()]
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def test_the_stage_writes_what_evaluation_reads_and_the_same_twice(inside, tmp_path):
    policy.main()
    first = outputs(inside)
    assert models.load_policy(inside / "data/policy/model")[1].chat_template
    with open(inside / "data/policy/trajectory.csv", newline="") as lines:
        trajectory = list(csv.DictReader(lines))
    assert [row["step"] for row in trajectory] == ["0", "1"]
    assert all(float(row["completion_tokens"]) <= 6 for row in trajectory)
    samples = read_rows(inside / "data/policy/samples.jsonl")
    assert [row["step"] for row in samples] == [0] * 3 + [2] * 3
    assert samples[0]["completion"][0]["role"] == "assistant"
    assert read_json(inside / "data/policy/metrics.json")["num_prompts"] == 4
    record = read_json(tmp_path / "records/policy.json")
    assert (record["name"], len(record["curve"])) == ("policy", 2)
    card = (inside / "data/policy/model/README.md").read_text(encoding="utf-8")
    assert "- validation: refused, and the gate was not enforced" in card
    assert "from the trunk `first`, which began from `rlhf_pipeline/sft/architectures/llama_tiny.json`" in card
    assert read_json(inside / "data/policy/model/generation_config.json")["do_sample"] is True
    shutil.rmtree(inside / "data/policy")
    policy.main()
    assert outputs(inside) == first


def test_a_member_altered_since_validation_is_refused(inside):
    config = inside / "data/rewards/members/b/config.json"
    config.write_text(config.read_text() + "\n")
    with pytest.raises(EnsembleError, match="'b' was altered"):
        policy.main()
    assert not (inside / "data/policy").exists()


def test_a_guard_watches_and_does_what_the_parameters_say(inside, capsys):
    members = inside / "data/rewards/members"
    loaded = {name: load_reward_model(members / name) for name in ("a", "b")}
    describe(inside, loaded, Statistics(*torch.ones(3, 1)), guard="b")
    params = yaml.safe_load((inside / "params.yaml").read_text())
    params["rewards"]["members"]["b"] = {**params["rewards"]["members"]["b"], "role": "guard"}
    # Random weights repeat themselves, which is what this monitor is told to alarm at.
    params["policy"]["guard"] = {"action": "roll_back", "settings": {"alarming": ["truncated"], "most_truncated": 0.01}}
    (inside / "params.yaml").write_text(yaml.safe_dump(params))
    policy.main()
    assert all("held_out" in row for row in read_rows(inside / "data/policy/samples.jsonl"))
    metrics = read_json(inside / "data/policy/metrics.json")
    assert (metrics["guard/alarm_step"], metrics["guard/kept_step"]) == (2, 0)
    assert "guard: step 2: truncated" in capsys.readouterr().out
    before, after = (
        models.load_policy(inside / f"data/{name}")[0].state_dict() for name in ("sft/trunks/first", "policy/model")
    )
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_an_unknown_setting_of_the_guard_is_refused_with_a_near_one(inside):
    params = yaml.safe_load((inside / "params.yaml").read_text())
    params["policy"]["guard"] = {"settings": {"most_truncatd": 0.1}}
    (inside / "params.yaml").write_text(yaml.safe_dump(params))
    with pytest.raises(ValueError, match=r"settings of policy.guard: .*most_truncatd.*most_truncated"):
        policy.main()
    assert not (inside / "data/policy").exists()
