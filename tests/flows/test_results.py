from pathlib import Path

import pytest

from flows import results
from flows.graph import Stage
from rlhf_pipeline.records import write_json

STAGE = Stage("x", (), (), (), ("verdict.json",), ("metrics.json", "missing.json"), headline="b.c")


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_metrics_are_all_numbers_with_dotted_names() -> None:
    write_json("metrics.json", {"a": 1, "b": {"c": 0.123456}, "name": "x", "unmeasured": None})
    assert results.metrics(STAGE) == {"a": 1.0, "b.c": 0.123456}
    assert results.headline(STAGE) == "b.c 0.1235"


def test_the_first_metric_is_the_headline_where_none_is_named() -> None:
    write_json("metrics.json", {"a": 1, "z": 2})
    assert results.headline(STAGE) == "a 1"


def test_a_stage_without_files_has_nothing_to_tell() -> None:
    assert (results.metrics(STAGE), results.headline(STAGE), results.verdict(STAGE)) == ({}, "", "")


def test_a_verdict_names_what_did_not_pass() -> None:
    checks = [{"name": "good", "passed": True}, {"name": "long", "passed": False}]
    write_json("verdict.json", {"admitted": True, "checks": checks})
    assert results.verdict(STAGE) == "admitted (long)"
    write_json("verdict.json", {"admitted": False, "checks": checks})
    assert results.verdict(STAGE) == "not admitted (long)"
