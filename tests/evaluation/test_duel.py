import json
import shutil
import sys

import pytest
import torch
import yaml

from rlhf_pipeline.evaluation import duel
from rlhf_pipeline.evaluation.duel import NoJudge, decide
from rlhf_pipeline.params import Params
from rlhf_pipeline.records import user, write_json, write_rows

WORDS = ["the fox runs .", "a calm dog rests .", "say something calm about a fox", "please write of a dog"]


def test_a_better_challenger_passes():
    champion = torch.randn(50, 4, generator=torch.Generator().manual_seed(0))
    outcome = decide(champion, champion + 1, "gold", margin=0.0, seed=0)
    assert outcome["passed"]
    assert outcome["mean_difference"] == pytest.approx(1.0)
    assert outcome["num_prompts"] == 50
    assert outcome["low"] > 0.5


def test_the_champion_does_not_beat_itself():
    champion = torch.randn(50, 4)
    outcome = decide(champion, champion, "gold", margin=0.0, seed=0)
    assert outcome["win_rate"] == 0.5
    assert not outcome["passed"]


def test_a_margin_lets_a_slightly_worse_one_pass():
    champion = torch.randn(50, 4)
    assert not decide(champion, champion - 0.1, "gold", margin=0.0, seed=0)["passed"]
    assert decide(champion, champion - 0.1, "gold", margin=0.2, seed=0)["passed"]


def test_a_difference_that_is_noise_does_not_pass():
    noise = torch.Generator().manual_seed(1)
    champion, challenger = torch.randn(30, 2, generator=noise), torch.randn(30, 2, generator=noise)
    outcome = decide(champion, challenger, "gold", margin=0.0, seed=0)
    assert outcome["difference_low"] < 0 < outcome["difference_high"]
    assert not outcome["passed"]


@pytest.fixture(scope="module")
def checkpoints(tmp_path_factory):
    """Write two policies, a member and an evaluator of a few thousand parameters."""
    from rlhf_pipeline.models import create_model, reward_model_from, save_model, train_tokenizer

    folder = tmp_path_factory.mktemp("checkpoints")
    tokenizer = train_tokenizer(iter(WORDS * 5), 300)
    shape = {"model_type": "llama", "hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1,
             "num_attention_heads": 2, "num_key_value_heads": 2, "max_position_embeddings": 128}  # fmt: skip
    write_json(folder / "tiny.json", shape)
    for number, name in enumerate(("champion", "challenger")):
        save_model(folder / name, create_model(folder / "tiny.json", tokenizer, number), tokenizer)
    for number, name in enumerate(("a", "evaluator")):
        save_model(folder / "members" / name, *reward_model_from(folder / "champion", number))
    return folder


@pytest.fixture
def tonight(checkpoints, tmp_path, root):
    """Lay a night's parameters and data into a folder and return it."""
    from rlhf_pipeline.validation.ensemble import Ensemble, load_members
    from rlhf_pipeline.validation.normalisation import Statistics

    params = yaml.safe_load((root / "params.yaml").read_text())
    params["evaluation"]["settings"] = {"num_prompts": 12, "num_samples": 2, "max_new_tokens": 5}
    params["rewards"]["members"] = {name: params["rewards"]["members"][name] for name in ("a", "evaluator")}
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(params))
    members = tmp_path / "data/rewards/members"
    shutil.copytree(checkpoints / "members", members)
    ones = torch.ones(1)
    one, other = (Ensemble(load_members(members, [n], [n]), Statistics(ones, ones, ones)) for n in ("a", "evaluator"))
    one.write(tmp_path / "data/validation/ensemble.json", members, other)
    prompts = [{"id": str(i), "prompt": user(WORDS[2 + i % 2] + " " * i)} for i in range(14)]
    write_rows(tmp_path / "data/curation/evaluation_prompts.jsonl", prompts)
    write_json(tmp_path / "data/curation/gold.json", {"source": None})
    return tmp_path


def read(tonight) -> Params:
    return Params.model_validate(yaml.safe_load((tonight / "params.yaml").read_text()))


def test_without_gold_the_evaluators_judge_and_the_ensemble_never(tonight, checkpoints):
    shutil.rmtree(tonight / "data/rewards/members/a")
    folders = {name: checkpoints / name for name in ("champion", "challenger")}
    first, second = (duel.duel(folders, tonight / "data", read(tonight)) for _ in range(2))
    assert first["judge"] == "evaluators"
    assert first["num_prompts"] == 12
    assert first["difference_low"] <= first["mean_difference"] <= first["difference_high"]
    assert first == second


def test_gold_judges_where_there_is_one(tonight, checkpoints, monkeypatch, word_gold):
    monkeypatch.setattr(duel, "load_gold", lambda path: word_gold)
    shutil.rmtree(tonight / "data/rewards")
    folders = {name: checkpoints / name for name in ("champion", "challenger")}
    assert duel.duel(folders, tonight / "data", read(tonight))["judge"] == "gold"


def test_with_nobody_to_judge_nothing_is_compared(tonight, checkpoints):
    described = tonight / "data/validation/ensemble.json"
    described.write_text(json.dumps(json.loads(described.read_text()) | {"evaluators": []}))
    with pytest.raises(NoJudge, match="role evaluator"):
        duel.duel({name: checkpoints / name for name in ("champion", "challenger")}, tonight / "data", read(tonight))


def test_the_command_writes_the_outcome(tonight, checkpoints, monkeypatch, capsys):
    monkeypatch.chdir(tonight)
    names = ["--champion", str(checkpoints / "champion"), "--challenger", str(checkpoints / "champion")]
    monkeypatch.setattr(sys, "argv", ["duel", *names, "--out", "reports/duel.json", "--margin", "1000"])
    duel.main()
    assert json.loads((tonight / "reports/duel.json").read_text())["passed"]
    assert "the challenger wins" in capsys.readouterr().out
