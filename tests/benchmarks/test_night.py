import io
import json

import pytest
from rich.console import Console

from benchmarks import night


def result(seed, admitted=True, **metrics):
    named = {name.replace("__", "/"): value for name, value in metrics.items()}
    timing = {"seconds": 100.0 + seed, "orchestration_seconds": 9.0, "startup_seconds": 20.0}
    return {"seed": seed, "admitted": admitted, "timing": timing, "metrics": named, "digests": {}}


FULL = {
    "gold_agreement__ensemble": 0.84,
    "gold_agreement__member_mean": 0.80,
    "contrast_consistency__ensemble": 0.9,
    "gold_gap_closed": 0.6,
    "gold_gain_low": 0.3,
    "kl": 12.0,
    "empty_fraction__policy": 0.0,
}


def test_the_summary_takes_means_medians_and_the_worst_gain():
    results = [
        result(0, **FULL),
        result(1, **(FULL | {"gold_agreement__ensemble": 0.78, "gold_gap_closed": 0.2, "gold_gain_low": -0.1})),
        result(2, admitted=False, **(FULL | {"gold_gap_closed": 0.7})),
    ]
    found = night.summarise(results)
    assert found["gold_agreement/ensemble"] == pytest.approx(0.82)
    assert found["gold_agreement/gain"] == pytest.approx(0.02)
    assert found["gold_gap_closed"] == 0.6
    assert found["gold_gain_low"] == -0.1
    assert (found["admitted"], found["collapsed"], found["seeds"]) == (2, 0, [0, 1, 2])
    assert (found["cold_seconds"], found["unchanged_seconds"]) == (100.0, None)


def test_a_seed_without_a_number_is_not_averaged_away():
    found = night.summarise([result(0, **FULL), result(1, kl=3.0)])
    assert found["gold_agreement/ensemble"] is None
    assert found["kl"] == 7.5


def test_the_slice_of_unseen_templates_stands_before_the_whole():
    metrics = {"contrast_consistency/ensemble": 0.9, "contrast_consistency/ensemble/shifted": 0.8}
    assert night.pick(metrics, night.COLUMNS["contrast"]) == 0.8
    del metrics["contrast_consistency/ensemble/shifted"]
    assert night.pick(metrics, night.COLUMNS["contrast"]) == 0.9
    assert night.pick({}, night.COLUMNS["contrast"]) is None


@pytest.mark.parametrize(
    ("metrics", "collapsed"),
    [
        ({"gold_gap_closed": 0.4, "empty_fraction/policy": 0.01}, False),
        ({"gold_gap_closed": -0.01, "empty_fraction/policy": 0.0}, True),
        ({"gold_gap_closed": 0.4, "empty_fraction/policy": 0.9}, True),
        ({}, True),
    ],
)
def test_a_policy_below_its_reference_or_silent_has_collapsed(metrics, collapsed):
    assert night.has_collapsed(metrics) is collapsed


def test_the_table_shows_every_seed_and_marks_what_is_missing():
    stream = io.StringIO()
    Console(file=stream, width=160).print(night.table([result(3, **FULL), result(4, admitted=False)]))
    lines = stream.getvalue().splitlines()
    assert lines[1].split() == ["3", "0.840", "0.800", "0.900", "0.600", "0.300", "12.000", "no", "yes", "103"]
    assert lines[2].split() == ["4", *["-"] * 6, "yes", "no", "104"]


def test_files_that_differ_or_are_missing_are_named():
    assert night.differing({"a": "1", "b": "2"}, {"a": "1", "b": "3", "c": "4"}) == ["b", "c"]
    assert night.differing({"a": "1"}, {"a": "1"}) == []


def test_what_was_measured_is_not_measured_again_unless_asked(tmp_path):
    asked = []
    measure = lambda: asked.append(1) or {"seed": 0}  # noqa: E731
    for _ in range(2):
        assert night.Book(tmp_path, is_fresh=False).once("seed-0", measure) == {"seed": 0}
    assert len(asked) == 1
    night.Book(tmp_path, is_fresh=True).once("seed-0", measure)
    assert len(asked) == 2


def test_a_measurement_that_fails_leaves_nothing_behind(tmp_path):
    with pytest.raises(ZeroDivisionError):
        night.Book(tmp_path, is_fresh=False).once("seed-0", lambda: 1 / 0)
    assert list(tmp_path.iterdir()) == []


def test_the_last_line_is_one_json_object(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(night.clones, "ROOT", tmp_path)
    monkeypatch.setattr(night.clones, "commit", lambda: "abc")
    monkeypatch.setattr(night.clones, "is_dirty", lambda: False)
    monkeypatch.setattr(night.Ground, "get", lambda self: tmp_path)
    monkeypatch.setattr(night, "measure_seed", lambda clone, seed, is_first: result(seed, **FULL))
    night.main(["--seeds", "0", "7"])
    found = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (found["seeds"], found["commit"], found["gold_gap_closed"]) == ([0, 7], "abc", 0.6)
    assert (tmp_path / ".cache/benchmarks/night/abc/seed-7.json").exists()
