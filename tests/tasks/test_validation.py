"""Tests of the stage `validation` with real reward models: what it writes, and that it writes the same twice."""

import csv
import json
import shutil

import pytest
import torch
import yaml

from rlhf_pipeline import models, recorded
from rlhf_pipeline.models import CheckpointError
from rlhf_pipeline.params import load_params
from rlhf_pipeline.records import assistant, read_json, read_rows, user, write_json, write_rows
from rlhf_pipeline.validation.ensemble import Ensemble, EnsembleError, load_panel
from rlhf_pipeline.verdicts import read_verdict
from tasks import validation

WORDS = ["red", "blue", "green", "grey", "black", "white", "pink", "brown"]


def pair(number: int) -> dict:
    word, other = WORDS[number % 8], WORDS[(number * 3 + 1) % 8]
    sides = {"chosen": assistant(f"the wall is {word} ."), "rejected": assistant(f"the roof is {other} {other} .")}
    return {"id": str(number), "group": str(number), "prompt": user(f"number {number} : paint it {word}"), **sides}


def contrast_item(number: int) -> dict:
    word, other = WORDS[number % 8], WORDS[(number + 1) % 8]
    completions = {"completion": assistant(f"it is {word} ."), "other_completion": assistant(f"it is {other} .")}
    return {
        "id": str(number),
        "prompt": user(f"{number} {word}"),
        "other_prompt": user(f"{number} {other}"),
        **completions,
    }


def write_inputs(folder) -> None:
    write_rows(folder / "test.jsonl", [pair(n) for n in range(40)])
    write_rows(folder / "validation.jsonl", [pair(n) for n in range(40, 70)])
    write_rows(folder / "contrast.jsonl", [contrast_item(n) for n in range(20)])
    write_rows(folder / "single_edits.jsonl", [])
    write_rows(
        folder / "demonstrations.jsonl",
        [{"prompt": one["prompt"], "completion": one["chosen"]} for one in map(pair, range(40))],
    )


def write_members(folder, names) -> None:
    architecture = {
        "model_type": "llama", "vocab_size": 320, "hidden_size": 16, "intermediate_size": 32,
        "num_hidden_layers": 1, "num_attention_heads": 2, "max_position_embeddings": 64,
    }  # fmt: skip
    write_json(folder / "tiny.json", architecture)
    tokenizer = models.train_tokenizer((str(pair(n)) for n in range(40)), 320)
    models.save_model(folder / "trunk", models.create_model(folder / "tiny.json", tokenizer, seed=0), tokenizer)
    for seed, name in enumerate(names):
        model, own = models.reward_model_from(folder / "trunk", seed)
        model.score.weight.data.mul_(20)
        models.save_model(folder / "data/rewards/members" / name, model, own)


@pytest.fixture(scope="module")
def night(root, tmp_path_factory):
    """Return a folder with the inputs of the stage: params.yaml as it stands, four members, an evaluator."""
    folder = tmp_path_factory.mktemp("night")
    shutil.copy(root / "params.yaml", folder)
    write_members(folder, load_params(folder / "params.yaml").rewards.members)
    write_inputs(folder / "data/curation")
    return folder


@pytest.fixture
def stage(night, tmp_path, monkeypatch):
    """Run the stage in a copy of the night: `stage(section overrides)`, and return its folder of outputs."""
    shutil.copytree(night, tmp_path / "night")
    monkeypatch.chdir(tmp_path / "night")
    monkeypatch.setenv("RLHF_NIGHT_RECORDS", str(tmp_path))
    threads = torch.get_num_threads()

    def run(guards=(), **overrides):
        params = yaml.safe_load((night / "params.yaml").read_text())
        for name in guards:
            params["rewards"]["members"][name]["role"] = "guard"
        params["validation"].update({"bounds": {"accuracy/ensemble": {"at_least": 0.0}}} | overrides)
        (tmp_path / "night/params.yaml").write_text(yaml.safe_dump(params))
        validation.main()
        return tmp_path / "night/data/validation"

    yield run
    torch.set_num_threads(threads)


def test_every_output_is_written_and_the_same_when_run_again(stage):
    out = stage()
    names = ["audit.json", "calibration.csv", "ensemble.json", "metrics.json", "verdict.json"]
    assert sorted(path.name for path in out.iterdir()) == names
    before = {name: (out / name).read_bytes() for name in names}
    stage(threads=1)
    assert {name: (out / name).read_bytes() for name in names} == before


def test_metrics_are_flat_numbers_with_those_that_are_promised(stage):
    metrics = read_json(stage() / "metrics.json")
    promised = [f"{m}/{who}" for m in ("accuracy", "contrast_consistency") for who in ("ensemble", "member_mean")]
    assert set(promised) <= set(metrics)
    assert all(isinstance(value, float) for value in metrics.values())


def test_the_ensemble_that_is_written_loads_without_its_evaluator(stage):
    out = stage(aggregator="mean_minus_std", aggregator_settings={"c": 1.5})
    ensemble = Ensemble.load(out / "ensemble.json", "data/rewards/members", ["a", "b", "c", "d"])
    assert ensemble.members == ["a", "b", "c", "d"]
    assert ensemble.settings == {"c": 1.5}
    evaluators = load_panel(out / "ensemble.json", "data/rewards/members", ["evaluator"])
    assert list(evaluators) == ["evaluator"]
    assert all(scale != 1 for scale in ensemble.statistics.scale.tolist())


def test_a_guard_is_audited_and_described_and_neither_member_nor_evaluator(stage):
    out = stage(guards=["b"])
    described = read_json(out / "ensemble.json")
    assert {kind: [one["name"] for one in described[kind]] for kind in ("members", "evaluators", "guards")} == {
        "members": ["a", "c", "d"], "evaluators": ["evaluator"], "guards": ["b"],
    }  # fmt: skip
    assert list(load_panel(out / "ensemble.json", "data/rewards/members", ["b"], "guards")) == ["b"]
    assert "accuracy/b" in read_json(out / "metrics.json")


def test_the_temperature_that_is_kept_is_the_one_that_calibration_found(stage):
    out = stage(aggregator="mean_minus_std")
    ensemble = Ensemble.load(out / "ensemble.json", "data/rewards/members")
    assert ensemble.temperature != 1.0
    assert read_json(out / "metrics.json")["temperature/ensemble"] == pytest.approx(ensemble.temperature)


@pytest.mark.parametrize("name", ["reward_fusion", "specialist_generalist_rm"])
def test_an_aggregator_that_reads_texts_learns_from_them_and_is_audited(stage, name):
    out = stage(aggregator=name)
    fitted = Ensemble.load(out / "ensemble.json", "data/rewards/members").fitted
    words = {"reward_fusion": "prompts", "specialist_generalist_rm": "rarity"}[name]
    assert any("paint it red" in text for text in fitted[words]) or "red" in fitted[words]
    assert read_verdict(out / "verdict.json").admitted


def test_each_head_and_snapshot_is_audited_by_name(stage, tmp_path):
    members = tmp_path / "night/data/rewards/members"
    model, own = models.reward_model_from(tmp_path / "night/trunk", 7, num_heads=2)
    shutil.rmtree(members / "b")
    models.save_model(members / "b", model, own)
    (members / "c").rename(members / "0")
    (members / "c").mkdir()
    (members / "0").rename(members / "c/0")
    shutil.copytree(members / "d", members / "c/1")
    out = stage()
    ensemble = Ensemble.load(out / "ensemble.json", members, ["a", "b", "c", "d"])
    assert ensemble.voices == ["a", "b/0", "b/1", "c/0", "c/1", "d"]
    assert [entry["name"] for entry in read_json(out / "audit.json")["members"]] == ensemble.voices
    metrics = read_json(out / "metrics.json")
    assert metrics["accuracy/c/1"] == metrics["accuracy/d"] != metrics["accuracy/b/0"]
    assert list(load_panel(out / "ensemble.json", members, ["evaluator"])) == ["evaluator"]


def test_the_bins_are_a_table_for_dvc_plots(stage):
    with open(stage() / "calibration.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert sum(int(row["count"]) for row in rows) == 40


def test_untrained_members_are_refused_and_the_stage_succeeds(stage):
    bounds = {"contrast_consistency/ensemble": {"at_least": 0.9}, "accuracy/ensemble": {"at_least": 0.9}}
    assert not read_verdict(stage(bounds=bounds) / "verdict.json").admitted


def test_bounds_that_hold_admit(stage):
    assert read_verdict(stage() / "verdict.json").admitted


def test_a_bound_on_an_empty_item_file_is_refused_as_not_measured(stage):
    verdict = read_verdict(stage(bounds={"single_edit_accuracy/ensemble": {"at_least": 0}}) / "verdict.json")
    assert [(check.passed, check.note) for check in verdict.checks] == [(False, "no items")]


def test_a_member_that_was_not_trained_stops_the_stage_by_name(stage, tmp_path):
    shutil.rmtree(tmp_path / "night/data/rewards/members/c")
    with pytest.raises(EnsembleError, match="member 'c' is missing"):
        stage()


def test_a_member_that_no_longer_says_what_was_recorded_stops_the_stage_by_name(stage, tmp_path):
    folder = tmp_path / "night/data/rewards/members/b"
    recorded.record(folder, read_rows(tmp_path / "night/data/curation/validation.jsonl"))
    stage()
    (folder / "chat_template.jinja").write_text("{% for message in messages %}{{ message['content'] }} {% endfor %}")
    with pytest.raises(CheckpointError, match="'b' gives other rewards than when it was saved"):
        stage()


def test_a_member_left_over_from_another_night_is_not_read(stage, tmp_path):
    stale = tmp_path / "night/data/rewards/members/stale"
    stale.mkdir()
    assert "stale" not in (stage() / "ensemble.json").read_text()


def test_the_night_is_told_of_metrics_and_data(stage, tmp_path):
    metrics = read_json(stage() / "metrics.json")
    record = json.loads((tmp_path / "validation.json").read_text())
    assert metrics.items() <= record["metrics"].items()
    assert "data/curation/test.jsonl" in record["datasets"]
    assert record["params"]["check_settings.contrast.max_items"] == "500"
