from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from flows.graph import Graph, Stage, read_graph
from flows.processes import ProcessGroup
from flows.slots import Slots
from flows.stages import Outcome, State
from flows.walk import Walk


def walk_over(graph: Graph, group: ProcessGroup) -> Walk:
    return Walk(graph, group, Path("logs"), lambda stage: None, lambda stage, outcome: None)


def times(member: str) -> tuple[float, float]:
    begun, ended = Path(f"times/{member}").read_text().split()
    return float(begun), float(ended)


def test_members_run_at_once_where_there_are_cores(
    after_night: Path, group: ProcessGroup, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("code/loss.py").write_text("loss = 2")
    monkeypatch.setenv("TOY_SECONDS", "1.5")
    walk = walk_over(read_graph(), group)
    walk.slots = Slots(total=2)
    for name in ("curation", "gate@curation"):
        assert walk.perform(name).state is State.UNCHANGED
    with ThreadPoolExecutor() as pool:
        outcomes = list(pool.map(walk.perform, ("rewards@a", "rewards@b")))
    assert [outcome.state for outcome in outcomes] == [State.COMPLETED] * 2
    first, second = sorted((times("a"), times("b")))
    assert second[0] < first[1]


def test_a_stage_that_dvc_calls_fresh_costs_no_process(after_night: Path, group: ProcessGroup) -> None:
    graph = read_graph()
    begun: list[Stage] = []
    walk = Walk(graph, group, Path("logs"), begun.append, lambda stage, outcome: None)
    assert {walk.perform(name).state for name in graph.stages} == {State.UNCHANGED}
    assert begun == []
    assert walk.state() is State.COMPLETED


def test_nothing_begins_once_the_night_was_ended(graph: Graph, group: ProcessGroup) -> None:
    walk = walk_over(graph, group)
    group.interrupt()
    assert walk.perform("curation").state is State.NOT_RUN
    assert walk.state() is State.FAILED


def test_a_stage_that_breaks_the_walk_is_a_failed_stage(graph: Graph, group: ProcessGroup) -> None:
    told: list[Outcome] = []
    walk = Walk(graph, group, Path("no-such-folder"), lambda stage: None, lambda stage, outcome: told.append(outcome))
    assert walk.perform("curation").state is State.FAILED
    assert "FileNotFoundError" in told[0].reason


def test_the_stage_that_most_others_wait_for_goes_first(graph: Graph, group: ProcessGroup) -> None:
    walk = walk_over(graph, group)
    assert walk.urgency["curation"] == 6
    assert walk.urgency["rewards@a"] == walk.urgency["rewards@b"] == 3
    assert walk._reserved(graph.stages["policy"]) == 1  # curation can begin, and nothing else
    walk.outcomes["curation"] = Outcome(State.COMPLETED)
    assert walk._reserved(graph.stages["rewards@a"]) == 1  # its gate
    walk.outcomes["gate@curation"] = Outcome(State.REFUSED)
    assert walk._reserved(graph.stages["policy"]) == 0
