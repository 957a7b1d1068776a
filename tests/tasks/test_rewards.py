import json
import shutil

import pytest
import yaml

from rlhf_pipeline import models, scoring
from rlhf_pipeline.methods import MethodError
from rlhf_pipeline.records import assistant, hash_folder, read_json, user, write_rows
from tasks import rewards


def pairs(letters):
    rows = [(c, d) for c in letters for d in "abcde"]
    return [
        {
            "id": c + d,
            "group": c,
            "prompt": user(f"say {c} {d}"),
            "chosen": assistant(f"{c} good"),
            "rejected": assistant(f"{c} bad"),
        }
        for c, d in rows
    ]


@pytest.fixture
def project(root, tiny_trunk, tmp_path, monkeypatch):
    """Enter a project with 40 train pairs, others for the evaluator, and a tiny trunk."""
    params = yaml.safe_load((root / "params.yaml").read_text(encoding="utf-8"))
    params["rewards"]["settings"] = {"batch_size": 8, "learning_rate": 0.02, "max_length": 32}
    params["rewards"]["members"]["a"]["settings"] = {"num_epochs": 3}
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(params), encoding="utf-8")
    for name in ("first", "second", "judge"):
        shutil.copytree(tiny_trunk, tmp_path / "data/sft/trunks" / name)
    write_rows(tmp_path / "data/denoising/train.jsonl", pairs("abcdefgh"))
    write_rows(tmp_path / "data/curation/evaluator.jsonl", pairs("ijkl"))
    write_rows(tmp_path / "data/curation/validation.jsonl", pairs("mn"))
    (tmp_path / "records").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RLHF_NIGHT_RECORDS", str(tmp_path / "records"))
    return tmp_path


def test_the_task_writes_every_output_of_its_stage_and_tells_the_night(project, graph):
    rewards.main("a")
    assert [out for out in graph["rewards@a"].outs if not (project / out).exists()] == []
    metrics = read_json("data/rewards/metrics/a.json")
    assert metrics["num_pairs"] == 40
    assert len(read_json("data/rewards/members/a/recorded_rewards.json")["conversations"]) == 20
    assert (project / "data/rewards/curves/a.csv").read_text().startswith("step,loss,eval_loss,accuracy\n")
    assert scoring.load_reward_model("data/rewards/members/a").model.config.num_labels == 1
    record = json.loads((project / "records/rewards@a.json").read_text())
    assert (record["params"]["num_epochs"], record["params"]["centring"]) == ("3.0", "0.01")
    assert list(record["datasets"]) == ["data/denoising/train.jsonl"]


def test_the_evaluator_is_trained_on_pairs_of_its_own_and_reads_no_train_pairs(project):
    (project / "data/denoising/train.jsonl").unlink()
    rewards.main("evaluator")
    assert read_json("data/rewards/metrics/evaluator.json")["num_pairs"] == 20


def test_members_of_the_same_trunk_and_pairs_differ_by_their_seed(project):
    for name in ("b", "d"):
        rewards.main(name)
    assert hash_folder("data/rewards/members/b") != hash_folder("data/rewards/members/d")


def test_a_ready_member_writes_every_output_without_training(project, graph):
    params = yaml.safe_load((project / "params.yaml").read_text())
    params["sft"]["trunks"]["judge"]["ready"] = params["rewards"]["members"]["evaluator"]["ready"] = True
    (project / "params.yaml").write_text(yaml.safe_dump(params))
    trunk = project / "data/sft/trunks/judge"
    shutil.rmtree(trunk)
    models.save_model(trunk, *models.reward_model_from(project / "data/sft/trunks/first", 0))
    (project / "data/curation/evaluator.jsonl").unlink()  # it is not trained, so it reads no pairs
    rewards.main("evaluator")
    assert [out for out in graph["rewards@evaluator"].outs if not (project / out).exists()] == []
    assert hash_folder("data/rewards/members/evaluator") == hash_folder(trunk)
    assert (project / "data/rewards/curves/evaluator.csv").read_text() == "step,loss,eval_loss,accuracy\n"
    record = json.loads((project / "records/rewards@evaluator.json").read_text())
    assert (record["params"], record["datasets"]) == ({"trunk": "judge", "role": "evaluator", "ready": "True"}, {})


def test_an_objective_that_does_not_exist_is_refused(project):
    params = yaml.safe_load((project / "params.yaml").read_text())
    params["rewards"]["members"]["a"]["objective"] = "bradley_tery"
    (project / "params.yaml").write_text(yaml.safe_dump(params))
    with pytest.raises(MethodError, match="Did you mean bradley_terry"):
        rewards.main("a")
