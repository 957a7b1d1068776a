import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
from typer.testing import CliRunner

from flows import promotion
from flows.cli import app
from flows.diary import hash_entry
from rlhf_pipeline import tracking

Night = Callable[..., tuple[int, str]]
Edit = Callable[[str, str, str], None]


def states() -> dict[str, str]:
    return {name: row["state"] for name, row in json.loads(Path("logs/night.json").read_text())["stages"].items()}


def runs_of_last_night() -> tuple[Any, dict[str, Any]]:
    client, experiment = tracking.open_store()
    parent = client.search_runs([experiment], "tags.kind = 'night'", order_by=["start_time DESC"])[0]
    nested = client.search_runs([experiment], f"tags.mlflow.parentRunId = '{parent.info.run_id}'")
    return parent, {run.info.run_name: run for run in nested}


def test_a_good_night_completes_every_stage_promotes_and_reports(after_night: Path) -> None:
    printed = Path("logs/printed.txt").read_text()
    assert set(states().values()) == {"Completed"}
    assert "champion is version 1" in printed
    assert Path("reports/latest.html").read_text() == "report"
    assert "stage 7 of 7" in printed
    assert "accuracy 0.75" in printed  # the headline that dvc.yaml names, not the first metric


def test_a_night_stands_in_mlflow_with_a_nested_run_per_stage(after_night: Path) -> None:
    parent, nested = runs_of_last_night()
    assert set(nested) == {*states()} - {"report"}
    assert parent.data.tags["git_commit"] == subprocess.getoutput("git rev-parse HEAD")
    assert parent.data.tags["uncommitted"] == "none"
    assert len(parent.data.tags["dvc_lock"]) == 32
    assert parent.data.params["gate.enforce"] == "True"
    assert nested["rewards@a"].data.metrics["accuracy"] == 0.75
    assert nested["rewards@a"].data.tags["dvc_entry"] == hash_entry("rewards@a")
    assert {run.info.status for run in nested.values()} == {"FINISHED"}


def test_a_second_night_says_that_there_is_nothing_to_do_without_a_server(after_night: Path) -> None:
    begun = time.monotonic()
    rlhf = str(Path(sys.executable).with_name("rlhf"))  # not activated, and a bare PATH
    done = subprocess.run([rlhf, "run"], env={"HOME": str(after_night)}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "nothing to do" in done.stdout
    assert done.stdout.count("Unchanged") == 7
    assert not Path("logs/prefect.log").exists()
    assert time.monotonic() - begun < 15  # 2 s alone on a machine; here others may run


def test_reused_stages_are_told_apart_and_name_their_origin(after_night: Path, start_night: Night, edit: Edit) -> None:
    _, before = runs_of_last_night()
    shutil.rmtree("data/rewards/members/b")
    edit("params.yaml", "evaluator_gain", "gold_gain")
    code, printed = start_night()
    assert code == 0, printed
    ended = states()
    assert (ended["rewards@a"], ended["rewards@b"], ended["evaluation"]) == ("Unchanged", "Restored", "Completed")
    assert "already champion" in printed
    parent, nested = runs_of_last_night()
    for member in ("rewards@a", "rewards@b"):
        assert nested[member].data.tags["reused_from"] == before[member].info.run_id
        assert nested[member].data.metrics["accuracy"] == 0.75
    assert "reused_from" not in nested["evaluation"].data.tags
    assert parent.data.tags["uncommitted"] != "none"


def test_a_refused_night_ends_before_what_follows_and_is_reported(
    after_night: Path, start_night: Night, edit: Edit
) -> None:
    Path("reports/latest.html").unlink()
    edit("input.txt", "good", "bad")
    code, printed = start_night()
    assert code == 3, printed
    assert states()["gate@curation"] == "Refused"
    assert states()["policy"] == "Not run"
    assert "promotion" not in states()
    assert Path("reports/latest.html").exists()
    parent, nested = runs_of_last_night()
    assert parent.data.tags["state"] == "Refused"
    assert nested["gate@curation"].data.tags["state"] == "Refused"


def test_a_night_that_went_on_past_a_refusal_promotes_nothing(
    after_night: Path, start_night: Night, edit: Edit
) -> None:
    edit("params.yaml", "enforce: true", "enforce: false")
    edit("input.txt", "good", "bad")
    code, printed = start_night()
    ended = states()
    assert (code, ended["evaluation"], ended["promotion"]) == (3, "Completed", "Refused"), printed
    assert "not admitted: curation; gate.enforce=false let the night go on" in " ".join(printed.split())
    done = CliRunner().invoke(app, ["promote"])
    assert done.exit_code == 3
    assert "promotion still needs every gate" in done.output
    client, _ = tracking.open_store()
    assert str(client.get_model_version_by_alias(promotion.MODEL, promotion.ALIAS).version) == "1"


def test_a_killed_night_is_taken_up_where_it_stood(
    after_night: Path, start_night: Night, prefect: str, edit: Edit
) -> None:
    edit("code/loss.py", "1", "2")
    slow = os.environ | {"TOY_SECONDS": "60", "PREFECT_API_URL": f"{prefect}/api"}
    rlhf = [sys.executable, "-m", "flows.cli", "run", "--no-promote"]
    night = subprocess.Popen(rlhf, env=slow, stdout=subprocess.DEVNULL)
    until = time.monotonic() + 60
    while not _is_running("toy.py rewards") and time.monotonic() < until:
        time.sleep(0.1)
    night.kill()
    night.wait()
    assert _is_running("toy.py rewards")  # killing the night leaves its stages alive
    code, printed = start_night(wants_promotion=False)
    assert code == 0, printed
    assert "that a dead night left running" in printed
    assert states()["curation"] == "Unchanged"
    assert states()["rewards@a"] == "Completed"
    assert not _is_running("toy.py rewards")


def test_a_night_that_is_ended_ends_its_stages_and_says_so(after_night: Path, prefect: str, edit: Edit) -> None:
    edit("code/loss.py", "1", "2")
    slow = os.environ | {"TOY_SECONDS": "60", "PREFECT_API_URL": f"{prefect}/api"}
    rlhf = [sys.executable, "-m", "flows.cli", "run", "--no-promote"]
    night = subprocess.Popen(rlhf, env=slow, stdout=subprocess.PIPE, text=True)
    while not _is_running("toy.py rewards"):
        time.sleep(0.1)
    night.send_signal(signal.SIGTERM)
    printed, _ = night.communicate(timeout=60)
    assert night.returncode == 1
    assert not _is_running("toy.py rewards")
    assert "the night was ended" in printed
    assert states()["curation"] == "Unchanged"


def _is_running(command: str) -> bool:
    here = Path.cwd()
    for process in psutil.process_iter():
        try:
            if command in " ".join(process.cmdline()) and Path(process.cwd()) == here:
                return True
        except psutil.Error:
            continue
    return False
