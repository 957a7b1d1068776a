from pathlib import Path

import pytest

from rlhf_pipeline.records import read_json, write_json
from rlhf_pipeline.verdicts import Bound, Interval, exactly, judge, write_verdict
from tasks import gate

PROJECT = Path(__file__).parents[2]
BOUNDS = {"accuracy": Bound(at_least=0.7), "length_bias": Bound(at_most=0.2, severity="warn")}


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("params.yaml").write_text((PROJECT / "params.yaml").read_text())


def verdict_of(accuracy: Interval) -> None:
    Path("data/validation").mkdir(parents=True, exist_ok=True)
    measured = {"accuracy": accuracy, "length_bias": exactly(0.5)}
    write_verdict("data/validation/verdict.json", judge(measured, BOUNDS))


def stop_enforcing() -> None:
    text = Path("params.yaml").read_text()
    assert "enforce: true" in text
    Path("params.yaml").write_text(text.replace("enforce: true", "enforce: false"))


def test_a_gate_lets_a_clean_verdict_pass_in_spite_of_a_warning() -> None:
    verdict_of(exactly(0.8))
    gate.main("validation")
    assert read_json("data/gate/validation.json") == {"admitted": True, "enforced": True}


@pytest.mark.parametrize("accuracy", [exactly(0.6), Interval(value=0.75, low=0.65, high=0.85), Interval()])
def test_a_gate_refuses_by_name_what_is_low_unsure_or_not_measured(accuracy: Interval) -> None:
    verdict_of(accuracy)
    with pytest.raises(SystemExit, match="refused: validation: accuracy ") as refusal:
        gate.main("validation")
    assert "length_bias" not in str(refusal.value)
    assert not Path("data/gate/validation.json").exists()


def test_a_gate_that_is_not_enforced_passes_and_says_so() -> None:
    verdict_of(exactly(0.6))
    stop_enforcing()
    gate.main("validation")
    assert read_json("data/gate/validation.json") == {"admitted": False, "enforced": False}


def test_what_was_admitted_reads_the_same_whether_gates_are_enforced_or_not() -> None:
    verdict_of(exactly(0.8))
    gate.main("validation")
    enforced = Path("data/gate/validation.json").read_bytes()
    stop_enforcing()
    gate.main("validation")
    assert Path("data/gate/validation.json").read_bytes() == enforced


def test_a_verdict_of_another_schema_is_no_verdict() -> None:
    write_json("data/validation/verdict.json", {"schema_version": 99, "admitted": True, "checks": []})
    with pytest.raises(ValueError, match="schema version 99"):
        gate.main("validation")


def test_a_gate_without_a_verdict_does_not_pass() -> None:
    with pytest.raises(FileNotFoundError):
        gate.main("validation")
    assert not Path("data/gate/validation.json").exists()
