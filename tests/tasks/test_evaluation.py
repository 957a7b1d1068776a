import json
import math
import shutil
from pathlib import Path

import pytest
import torch
import yaml

from rlhf_pipeline.evaluation.gold import Gold
from rlhf_pipeline.records import assistant, read_json, read_rows, user, write_json, write_rows
from rlhf_pipeline.verdicts import Bound, Check, Verdict, read_verdict, write_verdict
from tasks import evaluation

WORDS = ["the fox runs .", "a calm dog rests .", "say something calm about a fox", "please write of a dog"]
SETTINGS = {"num_prompts": 12, "num_samples": 2, "max_new_tokens": 5}
OUTPUTS = {"metrics.json", "verdict.json", "samples.jsonl", "curve.csv", "report.html"}


class LetterWorld:
    """A world where every letter e is worth one."""

    def gold(self, prompt, completion):
        return type("Worth", (), {"total": completion.count("e"), "attributes": {"e": 0.5}})

    def best(self, prompt):
        return 9.0


def write_models(data):
    """Write a reference, a policy, a member and an evaluator of a few thousand parameters, and their description."""
    from rlhf_pipeline.models import create_model, reward_model_from, save_model, train_tokenizer
    from rlhf_pipeline.validation.ensemble import Ensemble, load_members
    from rlhf_pipeline.validation.normalisation import Statistics

    tokenizer = train_tokenizer(iter(WORDS * 5), 300)
    shape = {"model_type": "llama", "hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1,
             "num_attention_heads": 2, "num_key_value_heads": 2, "max_position_embeddings": 128}  # fmt: skip
    write_json(data / "tiny.json", shape)
    for number, name in enumerate(("sft/trunks/first", "policy/model")):
        save_model(data / name, create_model(data / "tiny.json", tokenizer, number), tokenizer)
    members, ones = data / "rewards/members", torch.ones(1)
    for number, name in enumerate(("a", "evaluator")):
        save_model(members / name, *reward_model_from(data / "sft/trunks/first", number))
    one, other = (Ensemble(load_members(members, [n], [n]), Statistics(ones, ones, ones)) for n in ("a", "evaluator"))
    one.write(data / "validation/ensemble.json", members, other)


def write_rest(data):
    """Write what evaluation reads besides models."""
    prompts = [{"id": str(i), "prompt": user(f"{WORDS[2 + i % 2]} {i}")} for i in range(14)]
    write_rows(data / "curation/evaluation_prompts.jsonl", prompts)
    pairs = [
        {"id": str(i), "prompt": user(WORDS[2]), "chosen": assistant("eee"), "rejected": assistant("x")}
        for i in range(6)
    ]
    write_rows(data / "curation/test.jsonl", pairs)
    write_json(data / "curation/gold.json", {"source": None})
    check = Check(name="rows/train", value=9, low=9, high=9, bound=Bound(at_least=1), passed=True)
    for stage in ("curation", "validation"):
        write_verdict(data / stage / "verdict.json", Verdict(admitted=True, checks=[check]))
        write_json(data / "gate" / f"{stage}.json", {"admitted": True, "enforced": True})
        write_json(data / stage / "metrics.json", {"rows/train": 9})
    write_json(data / "validation/audit.json", {"findings": [], "worst": {}, "calibration": []})
    saved = [{"step": step, "prompt_id": "p", "prompt": user(WORDS[3]), "completion": assistant(text),
              "proxy_reward": 0.0, "disagreement": 0.0, "kl": float(step), "logp": -4.0, "completion_tokens": 4,
              "is_truncated": False} for step, text in ((0, "the fox"), (5, "e e e e"))]  # fmt: skip
    write_rows(data / "policy/samples.jsonl", saved)
    (data / "policy/trajectory.csv").write_text("step,proxy_reward,kl\n0,0,0\n5,1,2\n")


def fill_outs(root):
    """Make every other output exist, so that the report takes the night as having come this far."""
    from rlhf_pipeline.evaluation.stages import read_families

    for out in (out for family in read_families(root) for out in family.outs + family.plots):
        if not (root / out).exists() and "evaluation" not in out:
            (root / out).parent.mkdir(parents=True, exist_ok=True)
            contents = {".csv": "step,loss,accuracy\n1,1,1\n", ".json": "{}"}
            (root / out).write_text(contents.get(Path(out).suffix, ""))


@pytest.fixture(scope="module")
def laid(tmp_path_factory, root):
    """Lay a night that has come as far as evaluation, with models of a few thousand parameters."""
    folder = tmp_path_factory.mktemp("night")
    shutil.copy(root / "dvc.yaml", folder)
    params = yaml.safe_load((root / "params.yaml").read_text())
    params["rewards"]["members"] = {name: params["rewards"]["members"][name] for name in ("a", "evaluator")}
    params["evaluation"] |= {"settings": SETTINGS, "bounds": {"evaluator_gain": {"at_least": -1e6}}}
    (folder / "params.yaml").write_text(yaml.safe_dump(params))
    write_models(folder / "data")
    write_rest(folder / "data")
    fill_outs(folder)
    return folder


@pytest.fixture
def night(laid, tmp_path, monkeypatch):
    """Enter a copy of the laid night, with MLflow's store inside it."""
    folder = tmp_path / "night"
    shutil.copytree(laid, folder)
    monkeypatch.chdir(folder)
    monkeypatch.setattr("rlhf_pipeline.tracking.log_stage", lambda name, **told: folder.joinpath(name).touch())
    return folder


def bound(night, name, **bound):
    params = yaml.safe_load((night / "params.yaml").read_text())
    params["evaluation"]["bounds"] = {name: bound}
    (night / "params.yaml").write_text(yaml.safe_dump(params))


def test_every_output_is_written_and_told_to_the_tracker(night):
    evaluation.main()
    assert {path.name for path in (night / "data/evaluation").iterdir()} == OUTPUTS
    metrics = read_json("data/evaluation/metrics.json")
    assert {
        "proxy_reward/policy",
        "evaluator_gain_low",
        "win_rate/evaluator",
        "kl",
        "distinct_2/policy",
    } <= metrics.keys()
    assert not [name for name in metrics if "gold" in name]
    assert metrics["proxy_reward/reference"] == pytest.approx(0, abs=1e-5)
    assert metrics["kl"] > 0
    assert read_verdict("data/evaluation/verdict.json").admitted
    assert len(read_rows("data/evaluation/samples.jsonl")) == SETTINGS["num_prompts"]
    assert "Admitted" in (night / "data/evaluation/report.html").read_text()
    assert (night / "evaluation").exists()


def test_a_second_time_gives_the_same_bytes(night):
    evaluation.main()
    first = {name: (night / "data/evaluation" / name).read_bytes() for name in OUTPUTS}
    evaluation.main()
    assert first == {name: (night / "data/evaluation" / name).read_bytes() for name in OUTPUTS}


def test_a_policy_without_a_gain_by_the_evaluators_is_refused(night):
    bound(night, "evaluator_gain", at_least=0)
    shutil.rmtree(night / "data/policy/model")
    shutil.copytree(night / "data/sft/trunks/first", night / "data/policy/model")
    evaluation.main()
    assert not read_verdict("data/evaluation/verdict.json").admitted
    assert "Refused at evaluation" in (night / "data/evaluation/report.html").read_text()
    assert read_json("data/evaluation/metrics.json")["kl"] == pytest.approx(0, abs=1e-4)


def test_gold_is_measured_where_there_is_one(night, monkeypatch):
    monkeypatch.setattr("rlhf_pipeline.evaluation.judges.load_gold", lambda path: Gold(LetterWorld()))
    evaluation.main()
    metrics = read_json("data/evaluation/metrics.json")
    assert metrics["gold_best"] == 9.0
    assert {"gold_reward/policy_low", "gold_gain_high", "gold_gap_closed", "win_rate/gold"} <= metrics.keys()
    assert 0 <= metrics["gold_agreement/ensemble"] <= 1
    assert metrics["gold_attribute/e/policy"] == 0.5
    assert (night / "data/evaluation/curve.csv").read_text().splitlines()[2].split(",")[4] == "4"


def test_the_best_of_several_completions_has_more_reward_and_stands_farther_off(night):
    found = {}
    for best_of in (1, 8):
        params = yaml.safe_load((night / "params.yaml").read_text())
        params["evaluation"]["settings"] = {**SETTINGS, "best_of": best_of}
        (night / "params.yaml").write_text(yaml.safe_dump(params))
        evaluation.main()
        found[best_of] = read_json("data/evaluation/metrics.json")
    assert found[8]["proxy_reward/policy"] > found[1]["proxy_reward/policy"]
    assert found[8]["proxy_reward/reference"] == found[1]["proxy_reward/reference"]
    assert found[8]["kl"] > math.log(8) - 7 / 8 > 1.2


def test_a_member_altered_since_validation_is_refused(night):
    path = night / "data/rewards/members/a/config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"tampered": 1}))
    with pytest.raises(ValueError, match="'a' was altered"):
        evaluation.main()
