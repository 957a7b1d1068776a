import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import clone as clones
from benchmarks.clone import Run, Timing, critical_path

ROOT = Path(__file__).parents[2]


def run(begun, ended, imports=0.0):
    return Run("stage", begun, ended, imports)


@pytest.mark.parametrize(
    ("runs", "seconds"),
    [
        ([], 0),
        ([run(0, 4)], 4),
        ([run(0, 4), run(5, 7)], 6),  # the idle second between them is nobody's work
        ([run(0, 4), run(0, 7)], 7),
        ([run(0, 4), run(4, 6), run(1, 5)], 6),
        # Four stages of 3 s on two cores, then one of 2 s that needs them all: 3 + 3 + 2.
        ([run(0, 3), run(0, 3), run(3, 6), run(3, 6), run(6, 8)], 8),
        # A stage that begins while the other still runs did not wait for it.
        ([run(0, 10), run(5, 20), run(21, 30)], 24),
    ],
)
def test_the_critical_path_is_the_longest_chain_of_stages_that_followed_each_other(runs, seconds):
    assert critical_path(runs) == seconds
    assert critical_path(runs[::-1]) == seconds


def test_orchestration_is_what_the_stages_do_not_explain():
    timing = Timing(seconds=12, status=0, stages=(run(1, 4, 0.5), run(5, 11, 1.5)))
    assert timing.orchestration_seconds == 3
    assert timing.startup_seconds == 2
    assert timing.to_json()["stages"][1]["ended"] == 11


@pytest.fixture
def toy(tmp_path):
    """A repository with the clock and one stage that imports something and refuses."""
    repository = tmp_path / "toy"
    (repository / "tasks").mkdir(parents=True)
    (repository / clones.CLOCK).mkdir(parents=True)
    (repository / clones.CLOCK / "sitecustomize.py").write_bytes(
        (ROOT / clones.CLOCK / "sitecustomize.py").read_bytes()
    )
    (repository / "slow.py").write_text("import time\ntime.sleep(0.2)\nimport slower\n")
    (repository / "slower.py").write_text("import time\ntime.sleep(0.1)\n")
    (repository / "tasks/toy.py").write_text("import sys, time, slow\ntime.sleep(0.2)\nsys.exit(int(sys.argv[1]))\n")
    for command in (["init", "-q"], ["add", "."], ["commit", "-qm", "toy"]):
        identity = ["-c", "user.name=toy", "-c", "user.email=toy@example.org"]
        subprocess.run(["git", *identity, *command], cwd=repository, check=True)
    return repository


def test_a_clone_holds_the_last_commit_and_is_removed_at_the_end(toy):
    (toy / "slow.py").write_text("edited")
    with clones.cloned(toy) as clone:
        assert "sleep" in (clone / "slow.py").read_text()
    assert not clone.exists()
    assert clones.is_dirty(toy)
    assert len(clones.commit(toy)) == 40


def test_a_stage_process_is_timed_with_its_imports_counted_once(toy):
    with clones.cloned(toy) as clone:
        timing = clones.run(clone, ["python", "-m", "tasks.toy", "3"])
    (stage,) = timing.stages
    assert (timing.status, stage.stage) == (3, "toy@3")
    assert 0.3 <= stage.import_seconds < 0.5 <= stage.ended - stage.begun <= timing.seconds


def test_a_process_that_is_no_stage_leaves_no_line(toy):
    with clones.cloned(toy) as clone:
        assert clones.run(clone, ["python", "-c", "import slow"]).stages == ()


def test_a_command_that_fails_is_told_with_its_last_lines(toy):
    with clones.cloned(toy) as clone, pytest.raises(clones.NightError, match=r"(?s)status 1.*ZeroDivisionError"):
        clones.run(clone, ["python", "-c", "1 / 0"])


def test_the_user_s_servers_and_night_do_not_reach_the_clone(toy, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://example.org")
    monkeypatch.setenv("RLHF_NIGHT_RUN_ID", "1")
    script = "import json, os; json.dump(dict(os.environ), open('environment.json', 'w'))"
    with clones.cloned(toy) as clone:
        clones.run(clone, ["python", "-c", script])
        seen = json.loads((clone / "environment.json").read_text())
    assert {"MLFLOW_TRACKING_URI", "RLHF_NIGHT_RUN_ID"}.isdisjoint(seen)
    assert seen["PATH"].split(os.pathsep)[0] == str(Path(sys.executable).parent)


def write(path, value):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value))


def test_metrics_are_read_as_far_as_the_night_came(tmp_path):
    write(tmp_path / "data/curation/metrics.json", {"rows": 3})
    write(tmp_path / "data/validation/metrics.json", {"accuracy/ensemble": 0.7})
    write(tmp_path / "data/validation/verdict.json", {"admitted": False})
    assert clones.read_metrics(tmp_path) == {"accuracy/ensemble": 0.7, "admitted/validation": False}


def test_the_digests_see_every_metrics_file_and_its_last_digit(tmp_path):
    write(tmp_path / "data/validation/metrics.json", {"accuracy/ensemble": 0.7})
    write(tmp_path / "data/rewards/metrics/a.json", {"accuracy": 0.6})
    write(tmp_path / "data/validation/audit.json", {"not": "metrics"})
    before = clones.metrics_digests(tmp_path)
    assert set(before) == {"data/validation/metrics.json", "data/rewards/metrics/a.json"}
    write(tmp_path / "data/rewards/metrics/a.json", {"accuracy": 0.6000000000000001})
    after = clones.metrics_digests(tmp_path)
    assert [name for name in before if before[name] != after[name]] == ["data/rewards/metrics/a.json"]
