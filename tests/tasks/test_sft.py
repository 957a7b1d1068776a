import json
import shutil

import pytest
import yaml

from rlhf_pipeline import models, scoring
from rlhf_pipeline.methods import MethodError
from rlhf_pipeline.models import CheckpointError
from rlhf_pipeline.records import assistant, hash_folder, read_json, user, write_rows
from tasks import sft
from tests.checkpoints import add_code

SETTINGS = {"tokenizer": "words", "batch_size": 8, "num_epochs": 1}


@pytest.fixture
def project(root, tiny_architecture, tmp_path, monkeypatch):
    """Enter a project with 40 demonstrations and a tiny architecture."""
    params = yaml.safe_load((root / "params.yaml").read_text(encoding="utf-8"))
    params["sft"] |= {
        "settings": SETTINGS,
        "trunks": {name: {"base": "tiny.json"} for name in ("first", "second", "judge")},
    }
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(params), encoding="utf-8")
    shutil.copy(tiny_architecture, tmp_path / "tiny.json")
    rows = [{"prompt": user(f"say {c} {d}"), "completion": assistant(f"{c} {d}")} for c in "abcdefgh" for d in "vwxyz"]
    write_rows(tmp_path / "data/curation/demonstrations.jsonl", rows)
    (tmp_path / "records").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RLHF_NIGHT_RECORDS", str(tmp_path / "records"))
    return tmp_path


def test_the_task_writes_every_output_of_its_stage_and_tells_the_night(project, graph):
    sft.main("first")
    assert [out for out in graph["sft@first"].outs if not (project / out).exists()] == []
    assert read_json("data/sft/metrics/first.json")["num_demonstrations"] == 40
    assert (project / "data/sft/curves/first.csv").read_text().startswith("step,loss\n1,")
    assert models.load_policy("data/sft/trunks/first")[0].config.hidden_size == 16
    record = json.loads((project / "records/sft@first.json").read_text())
    assert record["params"]["tokenizer"] == "words"
    assert record["metrics"]["num_demonstrations"] == 40


def test_the_same_parameters_give_the_same_bytes_and_another_name_another_trunk(project):
    hashes = []
    for name in ("first", "first", "second"):
        shutil.rmtree("data/sft", ignore_errors=True)
        sft.main(name)
        hashes.append(hash_folder(f"data/sft/trunks/{name}"))
    assert hashes[0] == hashes[1] != hashes[2]


def choose(project, **trunk):
    params = yaml.safe_load((project / "params.yaml").read_text())
    params["sft"]["trunks"]["second"] = trunk
    params["rewards"]["members"] = {}
    (project / "params.yaml").write_text(yaml.safe_dump(params))


def test_a_ready_reward_model_writes_every_output_and_reads_no_demonstrations(project, graph, tiny_trunk):
    models.save_model(project / "reward", *models.reward_model_from(tiny_trunk, 0))
    choose(project, base="reward", ready=True)
    (project / "data/curation/demonstrations.jsonl").write_text("")
    sft.main("second")
    assert [out for out in graph["sft@second"].outs if not (project / out).exists()] == []
    assert scoring.load_reward_model("data/sft/trunks/second").model.config.num_labels == 1
    assert (project / "data/sft/curves/second.csv").read_text() == "step,loss\n"
    record = json.loads((project / "records/sft@second.json").read_text())
    assert (record["params"]["ready"], record["tags"], record["datasets"]) == ("True", {}, {})


def test_trusted_code_becomes_a_tag_of_the_run(project, families):
    folder = add_code(shutil.copytree(families["llama"], project / "own"))
    choose(project, base="own")
    with pytest.raises(CheckpointError, match="not run unless trusted"):
        sft.main("second")
    choose(project, base=str(folder), trust_remote_code=True)
    sft.main("second")
    assert json.loads((project / "records/sft@second.json").read_text())["tags"] == {"trust_remote_code": "true"}


def test_a_setting_that_does_not_exist_is_refused_with_its_owner(project):
    params = yaml.safe_load((project / "params.yaml").read_text())
    params["sft"]["trunks"]["first"]["settings"] = {"learning_rat": 1}
    (project / "params.yaml").write_text(yaml.safe_dump(params))
    with pytest.raises(MethodError, match=r"sft\.trunks\.first.*learning_rate"):
        sft.main("first")
