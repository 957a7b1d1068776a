"""One small night as a user runs it, in a clone of its own; then what follows it, in this order, in the same clone."""

import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from benchmarks.clone import metrics_digests
from flows.guarding import REFUSED
from rlhf_pipeline.records import read_json
from rlhf_pipeline.verdicts import read_verdict

ROOT = Path(__file__).parents[1]
BIN = Path(sys.executable).parent
BARE = {"PATH": "/usr/bin:/bin", "GIT_CONFIG_GLOBAL": os.devnull, "DVC_NO_ANALYTICS": "1", "HF_HUB_OFFLINE": "1"}
ADDRESS = re.compile(rb"""(?:src|href|action)\s*=\s*["']?(?:https?:)?//|url\(["']?https?:|@import""")
IMPOSSIBLE, POSSIBLE = (f"validation.bounds.accuracy/ensemble.at_least={bound}" for bound in (2, 0))
FOUND = {"Unchanged", "Restored"}


@dataclass
class Project:
    """A clone in which nights run, and how the first one ended."""

    folder: Path
    first: subprocess.CompletedProcess | None = None

    def command(self, name, *arguments):
        return [str(BIN / name), *arguments]

    @property
    def environment(self):
        # The installed package is another tree: the clone comes before it.
        return {**BARE, "HOME": str(self.folder.parent), "PYTHONPATH": str(self.folder)}

    def run(self, name, *arguments, path=None):
        env = self.environment | ({"PATH": path} if path else {})
        command = self.command(name, *arguments)
        return subprocess.run(command, cwd=self.folder, env=env, capture_output=True, text=True, timeout=600)

    def rlhf(self, *arguments):
        return self.run("rlhf", *arguments)

    def states(self):
        stages = read_json(self.folder / "logs/night.json")["stages"]
        return {name: row["state"] for name, row in stages.items()}

    def stages(self):
        said = self.run("dvc", "stage", "list", "--name-only").stdout
        return set(said.split())


def copy_project(folder: Path) -> Project:
    """Copy what git tracks or would track, as it is now, and commit it there."""
    listed = subprocess.check_output(["git", "ls-files", "-co", "--exclude-standard", "-z"], cwd=ROOT, text=True)
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes((ROOT / name).read_bytes())
    for arguments in (["init", "-q"], ["add", "-A"], ["commit", "-q", "-m", "Start"]):
        identity = ["-c", "user.name=test", "-c", "user.email=test@localhost"]
        subprocess.run(["git", *identity, *arguments], cwd=folder, check=True)
    return Project(folder)


@pytest.fixture(scope="session")
def night(tmp_path_factory):
    """A clone after its first night."""
    project = copy_project(tmp_path_factory.mktemp("night") / "clone")
    project.first = project.rlhf("run", "--profile", "toy")
    assert project.first.returncode == 0, project.first.stdout + project.first.stderr
    return project


def test_every_stage_completed(night):
    assert night.stages() <= night.states().keys()
    assert set(night.states().values()) == {"Completed"}
    assert "policy" in night.stages()


def test_it_ran_the_code_of_the_clone(night):
    where = night.run("python", "-c", "import rlhf_pipeline; print(rlhf_pipeline.__path__[0])").stdout.strip()
    assert where == str(night.folder / "rlhf_pipeline")


def test_every_verdict_is_of_the_schema_and_admits(night):
    for stage in ("curation", "validation", "evaluation"):
        verdict = read_verdict(night.folder / f"data/{stage}/verdict.json")
        assert verdict.admitted
        assert verdict.checks
        assert read_json(night.folder / f"data/gate/{stage}.json")["admitted"]


def test_dvc_knows_every_stage_and_finds_nothing_changed(night):
    lock = yaml.safe_load((night.folder / "dvc.lock").read_text())
    assert night.stages() <= lock["stages"].keys()
    status = night.run("dvc", "status", "--json")
    assert (status.returncode, json.loads(status.stdout)) == (0, {})


def test_mlflow_holds_one_run_of_the_night_and_one_within_for_each_stage(night):
    from mlflow import MlflowClient

    client = MlflowClient(f"sqlite:///{night.folder / 'mlflow.db'}")
    experiments = [e.experiment_id for e in client.search_experiments()]
    runs = client.search_runs(experiments, max_results=200)
    (parent,) = [run for run in runs if run.data.tags.get("kind") == "night"]
    within = [run for run in runs if run.data.tags.get("mlflow.parentRunId") == parent.info.run_id]
    names = [run.info.run_name for run in within if run.info.run_name != "promotion"]
    assert sorted(names) == sorted(night.stages())
    head = subprocess.check_output(["git", "rev-parse", "HEAD"], cwd=night.folder, text=True).strip()
    assert parent.data.tags["git_commit"] == head
    assert parent.data.tags["uncommitted"] != "none"  # the profile was written into params.yaml
    assert all(run.data.tags["dvc_entry"] for run in within if run.info.run_name in names)
    assert any(run.inputs.dataset_inputs for run in within)
    champion = client.get_model_version_by_alias("policy", "champion")
    assert (int(champion.version), json.loads(champion.tags["admitted"])) == (1, True)


def test_the_report_stands_and_fetches_nothing(night):
    report = (night.folder / "reports/latest.html").read_bytes()
    assert b"Admitted" in report
    assert not ADDRESS.search(report)


def test_gold_is_in_no_data_that_rewards_validation_or_policy_read(night):
    lock = yaml.safe_load((night.folder / "dvc.lock").read_text())["stages"]
    readers = [name for name in night.stages() if name.partition("@")[0] in ("rewards", "validation", "policy")]
    read = {dep["path"] for name in readers for dep in lock[name]["deps"] if dep["path"].startswith("data/")}
    assert {"data/curation/validation.jsonl", "data/rewards/members", "data/validation/ensemble.json"} <= read
    assert "data/curation/gold.json" not in read
    files = [path for name in read for path in (night.folder / name, *(night.folder / name).rglob("*"))]
    texts = [path for path in files if path.suffix in (".json", ".jsonl", ".csv")]
    assert [path.name for path in texts if b"gold" in path.read_bytes().lower()] == []
    assert b"gold" in (night.folder / "data/evaluation/metrics.json").read_bytes()  # where it belongs


def test_a_second_night_says_that_nothing_is_to_do_and_stops_at_once(night):
    begun = time.monotonic()
    again = night.rlhf("run")
    assert again.returncode == 0
    assert "nothing to do" in again.stdout
    assert time.monotonic() - begun < 10


def test_the_champion_is_promoted_no_second_time_and_has_none_before_it(night):
    promoted, rolled_back = night.rlhf("promote"), night.rlhf("rollback")
    assert promoted.returncode == 0
    assert "already champion (version 1)" in promoted.stdout
    assert rolled_back.returncode == REFUSED
    assert "no earlier champion" in rolled_back.stdout


@pytest.fixture(scope="module")
def refused(night):
    """How a night ended whose validation no ensemble can pass."""
    return night.rlhf("run", "--set", IMPOSSIBLE)


def test_a_refused_night_trains_no_policy_and_says_so(night, refused):
    assert refused.returncode == REFUSED
    states = night.states()
    assert (states["validation"], states["gate@validation"]) == ("Completed", "Refused")
    assert {states[name] for name in ("policy", "evaluation", "gate@evaluation")} == {"Not run"}
    assert {states[name] for name in states if name.startswith(("sft", "rewards"))} == {"Unchanged"}
    report = (night.folder / "reports/latest.html").read_text()
    assert "Refused at validation" in report
    assert "Gold reward" not in report  # that of the policy of the night before


def test_dvc_alone_does_not_pass_the_refusal_either(night, refused):
    assert not (night.folder / "data/gate/validation.json").exists()
    # `dvc` itself needs a PATH that finds `python`, as in an activated environment.
    forced = night.run("dvc", "repro", "--single-item", "policy", path=f"{BIN}:{BARE['PATH']}")
    assert forced.returncode != 0
    assert "gate/validation.json" in forced.stderr


def test_a_refused_policy_is_not_promoted(night, refused):
    assert night.rlhf("promote").returncode == REFUSED


@pytest.fixture(scope="module")
def resumed(night, refused):
    """How the night ended that goes on past the refusal, killed while its policy trained and started again."""
    log, begun = night.folder / "logs/policy.log", time.time()
    command = night.command("rlhf", "run", "--set", "gate.enforce=false")
    with subprocess.Popen(
        command, cwd=night.folder, env=night.environment, stdout=subprocess.DEVNULL, start_new_session=True
    ) as process:
        while not (log.exists() and log.stat().st_mtime > begun and "Running stage" in log.read_text()):
            assert process.poll() is None, "it ended before its policy began"
            time.sleep(0.1)
        time.sleep(1)
        os.killpg(process.pid, signal.SIGKILL)
    return night.rlhf("run")


@pytest.mark.slow
def test_a_killed_night_repeats_nothing_that_was_finished(night, resumed):
    states = night.states()
    assert "processes that a dead night left running" in resumed.stdout
    assert {states[name] for name in ("policy", "evaluation")} == {"Completed"}
    before = {name for name in night.stages() if name.startswith(("curation", "sft", "denoising", "rewards", "valid"))}
    assert len(before) == 8
    assert {states[name] for name in {*before, "gate@curation", "gate@validation"}} <= FOUND


@pytest.mark.slow
def test_not_to_enforce_a_gate_trains_nothing_before_it_again(night, resumed):
    from mlflow import MlflowClient

    client = MlflowClient(f"sqlite:///{night.folder / 'mlflow.db'}")
    runs = client.search_runs([e.experiment_id for e in client.search_experiments()], max_results=500)
    trained = [run.info.run_name for run in runs if run.data.tags.get("state") == "Completed"]
    assert trained.count("sft@first") == trained.count("rewards@a") == 1


@pytest.mark.slow
def test_a_night_that_went_on_past_a_refusal_is_marked_and_not_promoted(night, resumed):
    assert resumed.returncode == REFUSED
    assert night.states()["promotion"] == "Refused"
    assert "Not enforced: refused at validation" in (night.folder / "reports/latest.html").read_text()
    assert read_json(night.folder / "data/gate/validation.json") == {"admitted": False, "enforced": False}


@pytest.mark.slow
def test_the_parameters_of_the_first_night_bring_back_its_policy(night, resumed):
    back = night.rlhf("run", "--set", POSSIBLE, "--set", "gate.enforce=true")
    assert back.returncode == 0
    states = night.states()
    assert {states[name] for name in night.stages()} <= FOUND
    assert states["promotion"] == "Unchanged"


@pytest.mark.slow
def test_the_same_seed_gives_the_same_metrics_to_the_last_digit(night, tmp_path):
    other = copy_project(tmp_path / "clone")
    assert other.rlhf("run", "--profile", "toy", "--no-promote").returncode == 0
    night.rlhf("run", "--set", POSSIBLE, "--set", "gate.enforce=true")
    assert metrics_digests(other.folder) == metrics_digests(night.folder)


def run_task(folder: Path, stage: str, outs, kill_after=None) -> bool:
    """Run a stage's task as DVC does, its outputs deleted first; return whether it was killed."""
    for out in outs:
        shutil.rmtree(folder / out) if (folder / out).is_dir() else (folder / out).unlink(missing_ok=True)
    (folder / "records").mkdir(exist_ok=True)
    environment = Project(folder).environment | {"RLHF_NIGHT_RECORDS": str(folder / "records")}
    task, _, name = stage.partition("@")
    command = [sys.executable, "-m", f"tasks.{task}", *filter(None, [name])]
    with subprocess.Popen(command, cwd=folder, env=environment, stderr=subprocess.DEVNULL) as process:
        try:
            assert process.wait(kill_after) == 0
        except subprocess.TimeoutExpired:
            process.kill()
    return process.returncode == -signal.SIGKILL


def written(folder: Path, outs) -> dict[str, bytes]:
    files = [path for out in outs for path in (folder / out, *(folder / out).rglob("*")) if path.is_file()]
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


@pytest.mark.slow
@pytest.mark.parametrize(("stage", "num_kills"), [("sft@first", 3), ("rewards@a", 3), ("policy", 4)])
def test_a_stage_killed_at_random_seconds_writes_the_bytes_of_an_undisturbed_one(
    night, graph, tmp_path, stage, num_kills
):
    folder, outs = Path(shutil.copytree(night.folder, tmp_path / "clone", symlinks=True)), graph[stage].outs
    params = yaml.safe_load((folder / "params.yaml").read_text())
    for section, longer in {
        "sft": {"num_epochs": 30},
        "rewards": {"num_epochs": 20},
        "policy": {"num_steps": 30},
    }.items():
        params[section]["settings"] |= longer  # of the toy profile's second nothing could be hit
    (folder / "params.yaml").write_text(yaml.safe_dump(params))
    begun = time.monotonic()
    run_task(folder, stage, outs)
    seconds, undisturbed, rng = time.monotonic() - begun, written(folder, outs), random.Random(stage)
    while num_kills:
        after, begun = rng.uniform(0.3, 1) * seconds, time.monotonic()
        is_killed = run_task(folder, stage, outs, kill_after=after)
        num_kills -= is_killed
        if not is_killed:  # it ended before its second came: the machine is less busy than it was
            seconds = min(seconds, time.monotonic() - begun)
        kept = sorted(path.name for path in (folder / ".cache/checkpoints").glob("*/*/checkpoint-*"))
        print(f"{stage}: {num_kills} kills to go, this one after {after:.1f} of {seconds:.1f} s, kept {kept}")
    run_task(folder, stage, outs)
    assert written(folder, outs) == undisturbed
    assert not [path for path in (folder / ".cache/checkpoints").rglob("*") if path.is_file()]
