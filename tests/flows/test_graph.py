import threading
from pathlib import Path

from dvc.lock import make_lock

from flows.graph import Graph, read_graph, read_lock, read_params

PROJECT = Path(__file__).parents[2]


def test_stages_come_after_what_they_read(graph: Graph) -> None:
    names = list(graph.stages)
    for name, stage in graph.stages.items():
        assert all(names.index(upstream) < names.index(name) for upstream in stage.upstream)
    assert graph.stages["policy"].upstream == ("curation", "gate@curation", "rewards@a", "rewards@b")


def test_everything_is_stale_in_a_fresh_project(graph: Graph) -> None:
    assert graph.stale == set(graph.stages)


def test_a_stage_that_reads_only_a_verdict_is_a_gate(graph: Graph) -> None:
    gates = {name for name, stage in graph.stages.items() if stage.verdict_read}
    assert gates == {"gate@curation", "gate@evaluation"}  # evaluation reads a verdict among other things


def test_the_gates_of_the_project_are_the_stages_of_that_name() -> None:
    stages = read_graph(PROJECT).stages
    assert {name for name, stage in stages.items() if stage.verdict_read} == {
        name for name in stages if name.startswith("gate@")
    }


def test_ancestors_are_all_stages_before(graph: Graph) -> None:
    assert graph.ancestors("gate@evaluation") == set(graph.stages) - {"gate@evaluation"}
    assert graph.ancestors("curation") == set()


def test_the_writer_of_a_file_is_the_stage_whose_folder_holds_it(graph: Graph) -> None:
    writer = graph.writer("data/policy/model/weights.txt")
    assert writer is not None
    assert writer.name == "policy"
    assert graph.writer("input.txt") is None


def test_missing_parameters_are_none(graph: Graph) -> None:
    assert read_params(["gate.enforce", "gate.nothing.here"]) == {"gate.enforce": True, "gate.nothing.here": None}


def test_the_lock_file_is_read_when_dvc_has_written_all_of_it(toy: Path) -> None:
    held = make_lock(".dvc/tmp/lock")
    held.lock()
    Path("dvc.lock").write_text("schema: '2.0'\nstages:\n  curation: {}\n")  # as far as DVC has come

    def write_the_rest() -> None:
        Path("dvc.lock").write_text("schema: '2.0'\nstages:\n  curation: {cmd: python toy.py curation}\n")
        held.unlock()

    rest = threading.Timer(0.2, write_the_rest)
    rest.start()
    assert read_lock() == {"curation": {"cmd": "python toy.py curation"}}
    rest.join()
