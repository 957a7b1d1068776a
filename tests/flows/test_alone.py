import json

from typer.testing import CliRunner

from flows.cli import app
from flows.guarding import REFUSED
from rlhf_pipeline.records import read_rows

COLOURS = ["red", "blue", "green"]


def write_pairs(path):
    rows = [
        {
            "prompt": f"item {n} : paint it {colour}",
            "chosen": f"it is {colour} .",
            "rejected": "it is not , or not yet .",
        }
        for n, colour in enumerate(COLOURS * 40)
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return str(path)


def test_ready_scores_are_audited_outside_of_any_project(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    pairs, run = write_pairs(tmp_path / "pairs.jsonl"), CliRunner().invoke
    assert run(app, ["audit", "--pairs", pairs, "--texts", "texts.jsonl", "--check", "accuracy"]).exit_code == 0
    scores = [{"id": t["id"], "score": -len(t["messages"][-1]["content"])} for t in read_rows("texts.jsonl")]
    (tmp_path / "scores.jsonl").write_text("".join(json.dumps(row) + "\n" for row in scores))
    asked = ["audit", "scores.jsonl", "--pairs", pairs, "--check", "accuracy", "--out", "told"]
    assert run(app, asked).exit_code == 0
    (tmp_path / "bounds.yaml").write_text("accuracy/ensemble: {at_most: 0.5}")
    assert run(app, [*asked, "--bounds", "bounds.yaml"]).exit_code == REFUSED
    assert (tmp_path / "told/report.html").exists()


def test_every_option_of_the_command_reaches_the_audit(monkeypatch):
    called = []
    monkeypatch.setattr("flows.alone.subprocess.call", lambda command, env: called.append(command) or 0)
    given = {"--pairs": "p", "--suite": "hhh=d", "--judge": "j", "--bounds": "b", "--texts": "t", "--check": "accuracy",
             "--out": "o", "--threads": "2"}  # fmt: skip
    asked = [part for option in given.items() for part in option]
    assert CliRunner().invoke(app, ["audit", "model", *asked, "--trust-remote-code"]).exit_code == 0
    passed = called[0][3:]
    assert passed[0] == "model"
    for name, value in given.items():
        assert passed[passed.index(name.replace("--check", "--checks")) + 1] == value
    assert "--trust-remote-code" in passed


def test_every_option_of_a_search_reaches_it(monkeypatch):
    called = []
    monkeypatch.setattr("flows.alone.subprocess.call", lambda command, env: called.append(command) or 0)
    given = {"--pairs": "p", "--method": "m", "--policy": "d", "--trusted": "t", "--judge": "j", "--set": "a=1",
             "--out": "o", "--threads": "2", "--seed": "3"}  # fmt: skip
    asked = [part for option in given.items() for part in option]
    assert CliRunner().invoke(app, ["search", "model", *asked]).exit_code == 0
    assert called[0][2:] == ["rlhf_pipeline.validation.searching", "model", *asked]
