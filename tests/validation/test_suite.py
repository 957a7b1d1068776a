"""Tests of the suite: benchmarks in, one table, rewards out to each."""

import json
from pathlib import Path

import pytest
import torch

from rlhf_pipeline.methods import MethodError
from rlhf_pipeline.mistakes import Mistake
from rlhf_pipeline.records import assistant, user
from rlhf_pipeline.validation import suite
from rlhf_pipeline.validation.items import Table


@pytest.fixture
def folders(tmp_path):
    """A folder for each of two benchmarks, one with a dirty row."""
    hhh = [{"input": f"ask {n}", "targets": {"choices": ["kind", "a rude one"], "labels": [1, 0]}} for n in range(3)]
    bar = [{"input": f"ask {n}", "output_1": "kind", "output_2": f"a longer {n}", "label": 1} for n in range(2)]
    (tmp_path / "hhh").mkdir()
    (tmp_path / "hhh/other.jsonl").write_text("".join(json.dumps(row) + "\n" for row in [*hhh, {"input": "x"}]))
    (tmp_path / "llmbar/Natural").mkdir(parents=True)
    (tmp_path / "llmbar/Natural/dataset.json").write_text(json.dumps(bar))
    return {name: tmp_path / name for name in ("hhh", "llmbar")}


def lengths(table: Table) -> torch.Tensor:
    return torch.tensor([float(len(table.completion(row)[0]["content"])) for row in range(len(table.conversations))])


def test_equal_texts_of_two_benchmarks_are_scored_once(folders):
    table = Table()
    planned = suite.enter(folders, {}, table)
    assert len(table.conversations) == 2 * 3 + 2  # `kind` is a completion of the same prompts in both
    assert planned["hhh"].rows[0][0] == planned["llmbar"].rows[0][0]
    assert all(table.is_reference)


def test_each_benchmark_gets_the_rewards_of_its_own_completions(folders):
    table = Table()
    table.add(user("before"), assistant("anything"))
    planned = suite.enter(folders, {}, table)
    found = {
        f.metric: f.interval.value for r in suite.measure(planned, -lengths(table), 0).values() for f in r.findings
    }
    assert (found["hhh/overall"], found["llmbar/natural"]) == (1, 1)
    worst = suite.measure(planned, lengths(table), 0)["hhh"].worst
    assert worst[0]["margin"] == len("kind") - len("a rude one")


def test_rows_left_out_are_a_finding_and_named_in_the_report(folders):
    table = Table()
    planned = suite.enter(folders, {}, table)
    finding = suite.measure(planned, lengths(table), 0)["hhh"].findings[-1]
    assert (finding.metric, finding.interval.value, finding.num_items) == ("hhh/left_out", 1, 4)
    assert finding.interval.note == "neither 'targets' nor 'target_scores'"
    told = suite.describe(planned)["hhh"]
    assert told["left_out"] == [{"file": "other.jsonl", "row": 4, "why": "neither 'targets' nor 'target_scores'"}]
    json.dumps(told)


def test_items_too_long_for_a_scorer_are_not_asked_and_counted(folders):
    table = Table()

    def fits(conversations):
        return [conversation[-1]["content"] != "a longer 1" for conversation in conversations]

    planned = suite.enter(folders, {}, table, fits)
    finding = suite.measure(planned, lengths(table), 0)["llmbar"].findings[-1]
    assert (finding.interval.value, finding.num_items) == (1, 2)
    assert finding.interval.note == "1 longer than a model's context"
    assert suite.describe(planned)["llmbar"]["too_long"] == ["Natural/dataset-00002"]
    assert not any("a longer 1" in str(conversation) for conversation in table.conversations)


def test_items_of_one_unit_are_asked_together_or_not_at_all(tmp_path):
    sides = {f"{side}_response_{x}": f"{side} {x}" for side in ("query", "retrieval") for x in "jk"}
    rows = [{"query": f"a{n}", "retrieval": f"b{n}", **sides} for n in range(2)]
    (tmp_path / "wmt_contrast.json").write_text(json.dumps(rows))
    folders, table = {"contrast_instructions": tmp_path}, Table()
    planned = suite.enter(folders, {}, table, lambda texts: [text[0]["content"] != "b0" for text in texts])
    assert [item.prompt[0]["content"] for item in planned["contrast_instructions"].items] == ["a1", "b1"]
    assert suite.measure(planned, torch.zeros(len(table.conversations)), 0)


def test_settings_reach_their_benchmark(folders):
    planned = suite.enter(folders, {"hhh": {"max_items": 2}}, Table())
    assert [len(planned[name].read.items) for name in folders] == [2, 2]


def test_the_same_seed_gives_the_same_intervals(folders):
    table = Table()
    planned = suite.enter(folders, {}, table)
    assert suite.measure(planned, lengths(table), 3) == suite.measure(planned, lengths(table), 3)


def test_an_unknown_benchmark_is_refused_with_a_near_name(folders):
    with pytest.raises(MethodError, match=r"unknown method 'hhhh' in validation/benchmarks\. Did you mean hhh\?"):
        suite.enter({"hhhh": folders["hhh"]}, {}, Table())


def test_settings_of_a_benchmark_that_is_not_chosen_are_refused(folders):
    with pytest.raises(MethodError, match="settings for benchmark 'ifeval', which is not in the suite"):
        suite.enter(folders, {"ifeval": {}}, Table())


def test_a_folder_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(Mistake, match="there is no such folder; write where the files of benchmark 'hhh' are"):
        suite.enter({"hhh": tmp_path / "nowhere"}, {}, Table())


def test_a_reward_that_is_not_finite_is_refused_by_item(folders):
    table = Table()
    planned = suite.enter(folders, {}, table)
    raw = lengths(table)
    raw[planned["hhh"].rows[1][0]] = float("nan")
    with pytest.raises(Mistake, match="benchmark hhh: a reward of item 'other-00002' is not finite"):
        suite.measure(planned, raw, 0)


COMMIT = "0123456789abcdef" * 2 + "01234567"


def test_a_benchmark_of_the_hub_is_fetched_at_its_commit(folders, monkeypatch):
    import huggingface_hub

    asked = []

    def snapshot_download(name, **options):
        asked.append((name, options))
        return str(folders["hhh"])

    monkeypatch.setattr(huggingface_hub, "snapshot_download", snapshot_download)
    planned = suite.enter({"hhh": Path(f"people/hhh@{COMMIT}")}, {}, Table())
    assert len(planned["hhh"].items) == 3
    assert asked == [("people/hhh", {"revision": COMMIT, "repo_type": "dataset"})]


def test_a_benchmark_of_the_hub_needs_a_commit_and_the_hub(monkeypatch):
    import huggingface_hub

    def snapshot_download(name, **options):
        raise OSError("no network here\nat all")

    monkeypatch.setattr(huggingface_hub, "snapshot_download", snapshot_download)
    with pytest.raises(Mistake, match="'main' can come to mean other rows; write the commit's 40 digits"):
        suite.enter({"hhh": Path("people/hhh@main")}, {}, Table())
    with pytest.raises(Mistake, match=f"people/hhh@{COMMIT}: cannot be fetched from the hub: no network here$"):
        suite.enter({"hhh": Path(f"people/hhh@{COMMIT}")}, {}, Table())
