import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from flows.graph import Graph, read_graph, read_lock
from flows.processes import ProcessGroup
from flows.stages import Outcome, State, run_stage, worst

Edit = Callable[[str, str, str], None]
LOGS = Path("logs")


def run(graph: Graph, group: ProcessGroup, *names: str) -> list[State]:
    return [run_stage(graph.stages[name], group, LOGS).state for name in names]


def run_cache_entries() -> set[Path]:
    return {path for path in Path(".dvc/cache/runs").glob("*/*/*") if path.is_file()}


def test_completed_unchanged_and_restored_are_told_apart(graph: Graph, group: ProcessGroup, edit: Edit) -> None:
    assert run(graph, group, "curation") == [State.COMPLETED]
    assert run(graph, group, "curation") == [State.UNCHANGED]
    edit("input.txt", "good", "better")
    assert run(graph, group, "curation") == [State.COMPLETED]
    edit("input.txt", "better", "good")
    assert run(graph, group, "curation") == [State.RESTORED]
    assert Path("data/curation/rows.txt").read_text() == "good rows"


def test_a_refusal_is_no_failure_and_no_single_item_passes_it(graph: Graph, group: ProcessGroup, edit: Edit) -> None:
    edit("input.txt", "good", "bad")
    run(graph, group, "curation")
    refused = run_stage(graph.stages["gate@curation"], group, LOGS)
    assert refused.state is State.REFUSED
    assert "refused: curation: good" in refused.reason
    assert not Path("data/gate/curation.json").exists()

    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    command = [sys.executable, "-m", "dvc", "repro", "--single-item", "rewards@a"]
    done = subprocess.run(command, env=os.environ | {"PATH": path}, capture_output=True, check=False)
    assert done.returncode != 0
    assert not Path("data/rewards/members/a").exists()

    edit("params.yaml", "enforce: true", "enforce: false")
    assert run(graph, group, "gate@curation") == [State.COMPLETED]
    assert yaml.safe_load(Path("data/gate/curation.json").read_text()) == {"admitted": False, "enforced": False}


def test_a_stage_has_the_threads_that_are_its_own(graph: Graph, group: ProcessGroup) -> None:
    run_stage(graph.stages["curation"], group, LOGS, threads=3)
    assert "threads 3 trim 4000000000" in (LOGS / "curation.log").read_text()


def test_a_gate_that_breaks_did_not_refuse(after_night: Path, group: ProcessGroup) -> None:
    verdict = Path("data/curation/verdict.json")
    verdict.unlink()
    verdict.write_text('{"admitted": false}')
    assert run(read_graph(), group, "gate@curation") == [State.FAILED]


def test_a_failed_stage_gives_its_last_words(after_night: Path, group: ProcessGroup) -> None:
    Path("crash").touch()
    Path("data/evaluation/verdict.json").unlink()
    Path("params.yaml").write_text(Path("params.yaml").read_text().replace("evaluator_gain", "gold_gain"))
    outcome = run_stage(read_graph().stages["evaluation"], group, LOGS)
    assert outcome == Outcome(State.FAILED, outcome.seconds, "the evaluation fell over")


def test_code_edited_while_a_stage_runs_leaves_no_trace(
    after_night: Path, group: ProcessGroup, edit: Edit, monkeypatch: pytest.MonkeyPatch
) -> None:
    graph, before = read_graph(), run_cache_entries()
    edit("code/loss.py", "1", "2")
    monkeypatch.setenv("TOY_SECONDS", "1")

    def meddle() -> None:
        log = LOGS / "rewards@a.log"
        while "Running stage" not in log.read_text():
            time.sleep(0.02)
        edit("code/loss.py", "2", "3")

    (LOGS / "rewards@a.log").write_text("")
    meddler = threading.Thread(target=meddle)
    meddler.start()
    outcome = run_stage(graph.stages["rewards@a"], group, LOGS)
    meddler.join()
    assert outcome.state is State.FAILED
    assert "code/loss.py" in outcome.reason
    assert "rewards@a" not in read_lock()
    assert run_cache_entries() == before
    again = run_stage(graph.stages["rewards@a"], group, LOGS)
    assert again.state is State.COMPLETED, again.reason
    assert "rewards@a" in read_lock()


def test_parameters_edited_while_a_stage_runs_are_noticed(graph: Graph, group: ProcessGroup, edit: Edit) -> None:
    def set_seed() -> None:
        while not (LOGS / "curation.log").exists():
            time.sleep(0.01)
        edit("params.yaml", "seed: 0", "seed: 7")

    setter = threading.Thread(target=set_seed)
    setter.start()
    outcome = run_stage(graph.stages["curation"], group, LOGS)
    setter.join()
    assert outcome.state is State.FAILED
    assert "seed" in outcome.reason
    assert "curation" not in read_lock()


def test_the_worst_state_decides() -> None:
    def decide(*states: State) -> State:
        return worst(Outcome(state) for state in states)

    assert decide(State.UNCHANGED, State.RESTORED) is State.COMPLETED
    assert decide(State.COMPLETED, State.REFUSED, State.NOT_RUN) is State.REFUSED
    assert decide(State.REFUSED, State.FAILED) is State.FAILED
    assert decide(State.COMPLETED, State.NOT_RUN) is State.FAILED
