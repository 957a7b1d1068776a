import json
import math
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rlhf_pipeline import tracking
from rlhf_pipeline.tracking import Record


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a project with a store; making one takes seconds, so the tests share it."""
    folder = tmp_path_factory.mktemp("store")
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        patch.setenv("RLHF_HOME", str(folder))
        tracking.prepare_store()
    return folder


@pytest.fixture
def project(store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for key in ("MLFLOW_TRACKING_URI", "RLHF_NIGHT_RECORDS", "RLHF_NIGHT_RUN_ID"):
        monkeypatch.delenv(key, raising=False)
    monkeypatch.setenv("RLHF_HOME", str(store))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def last_run() -> Any:
    client, experiment = tracking.open_store()
    return client.search_runs([experiment], order_by=["start_time DESC"], max_results=1)[0]


def test_a_stage_alone_becomes_a_run_of_its_own(project: Path) -> None:
    Path("train.jsonl").write_text("{}\n")
    curve = [{"step": step, "loss": 1 / (step + 1)} for step in range(1500)]  # more than MLflow takes at once
    tracking.log_stage(
        "rewards@a",
        metrics={"accuracy@1": 0.5, "missing": None, "broken": math.nan},  # type: ignore[dict-item]
        params={"settings": {"lr": 0.1}},
        artifacts=["train.jsonl"],
        datasets=["train.jsonl"],
        curve=curve,
    )
    run = last_run()
    client, _ = tracking.open_store()
    assert run.info.status == "FINISHED"
    assert run.data.metrics.pop("process_seconds") > 0
    assert run.data.metrics == {"accuracy_1": 0.5, "loss": 1 / 1500}
    assert run.data.params == {"settings.lr": "0.1"}
    assert [point.step for point in client.get_metric_history(run.info.run_id, "loss")][-1] == 1499
    assert [file.path for file in client.list_artifacts(run.info.run_id)] == ["train.jsonl"]
    assert run.inputs.dataset_inputs[0].dataset.digest == tracking.digest("train.jsonl")


def test_a_stage_is_nested_under_its_night(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RLHF_NIGHT_RUN_ID", "abc")
    tracking.log_stage("policy", metrics={})
    assert last_run().data.tags["mlflow.parentRunId"] == "abc"


def test_inside_a_night_a_stage_leaves_a_record_and_opens_no_store(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RLHF_NIGHT_RECORDS", str(project))
    monkeypatch.setattr(tracking, "open_store", lambda: pytest.fail("opened"))
    tracking.log_stage("rewards@a", metrics={"accuracy": 0.5}, artifacts=["curve.csv"])
    record = Record.model_validate(json.loads(tracking.record_path(project, "rewards@a").read_text()))
    assert record.metrics["accuracy"] == 0.5
    assert record.artifacts == [str(project / "curve.csv")]


def silent_server() -> tuple[socket.socket, str]:
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen()
    return listener, f"http://127.0.0.1:{listener.getsockname()[1]}"


def dead_server() -> tuple[socket.socket, str]:
    listener, address = silent_server()
    listener.close()
    return listener, address


@pytest.mark.parametrize("server", [dead_server, silent_server])
def test_a_server_that_is_dead_or_silent_costs_seconds_and_one_warning(
    project: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    server: Callable[[], tuple[socket.socket, str]],
) -> None:
    listener, address = server()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
    monkeypatch.setattr(tracking, "REMOTE_SECONDS", 3.0)
    begun = time.monotonic()
    tracking.log_stage("rewards@a", metrics={"accuracy": 0.5})
    assert time.monotonic() - begun < 6
    warnings = [line for line in capsys.readouterr().err.splitlines() if line.startswith("warning:")]
    assert len(warnings) == 1
    assert "rewards@a is not in MLflow" in warnings[0]
    listener.close()


def test_an_artifact_that_is_missing_does_not_stop_a_stage(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tracking.log_stage("rewards@a", metrics={}, datasets=["nowhere.jsonl"])
    assert "nowhere.jsonl" in capsys.readouterr().err


def test_members_that_log_at_once_get_runs_of_their_own(project: Path) -> None:
    names = [f"rewards@{member}" for member in "abcd"]
    threads = [threading.Thread(target=tracking.log_stage, args=(name,), kwargs={"metrics": {}}) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    client, experiment = tracking.open_store()
    last = client.search_runs([experiment], order_by=["start_time DESC"], max_results=4)
    assert {run.info.run_name for run in last} == set(names)


def test_the_store_lies_in_the_project_unless_told_otherwise(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RLHF_HOME")
    assert tracking.tracking_uri() == f"sqlite:///{project.resolve()}/mlflow.db"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:5000")
    assert tracking.tracking_uri() == "http://127.0.0.1:5000"


def test_nested_parameters_become_dotted_keys() -> None:
    assert tracking.flatten({"a": {"b": 1, "c": {}}, "d": [1, 2]}) == {"a.b": "1", "a.c": "{}", "d": "[1, 2]"}
