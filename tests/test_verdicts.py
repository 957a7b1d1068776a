import pytest
from pydantic import ValidationError

from rlhf_pipeline.records import read_json, write_json
from rlhf_pipeline.verdicts import Bound, Interval, check, exactly, judge, read_verdict, write_verdict

FAIR = Interval(value=0.8, low=0.75, high=0.85)


@pytest.mark.parametrize(
    ("bound", "passed"),
    [
        ({"at_least": 0.75}, True),  # the edge belongs to the bound
        ({"at_least": 0.76}, False),  # the value is inside, its interval is not
        ({"at_least": 0.81}, False),
        ({"at_most": 0.85}, True),
        ({"at_most": 0.84}, False),
        ({"at_least": 0.7, "at_most": 0.9}, True),
        ({"at_least": 0.7, "at_most": 0.8}, False),
        ({"at_least": 0.9, "at_most": 1.0}, False),
    ],
)
def test_a_check_passes_only_when_its_whole_interval_is_inside(bound, passed):
    assert check("accuracy", FAIR, Bound(**bound)).passed is passed


def test_a_counted_value_is_its_own_interval():
    assert check("leaks", exactly(0), Bound(at_most=0)).passed
    assert not check("leaks", exactly(1), Bound(at_most=0)).passed


@pytest.mark.parametrize(
    "interval",
    [
        Interval(),
        Interval(value=0.9),
        Interval(value=0.9, low=0.8),
        Interval(value=float("nan"), low=float("nan"), high=float("nan")),
        Interval(value=0.9, low=0.8, high=float("inf")),
        Interval(value=0.9, low=float("-inf"), high=1.0),
    ],
)
@pytest.mark.parametrize("bound", [{"at_least": 0.0}, {"at_most": 2.0}])
def test_what_could_not_be_measured_does_not_pass(interval, bound):
    assert not check("accuracy", interval, Bound(**bound)).passed


def test_an_unmeasured_check_says_why():
    assert check("accuracy", Interval(), Bound(at_least=0)).note == "not measured"
    assert check("accuracy", Interval(note="no items"), Bound(at_least=0)).note == "no items"


def test_a_bound_needs_a_side_and_knows_its_keys():
    with pytest.raises(ValidationError, match="at_least or at_most"):
        Bound()
    with pytest.raises(ValidationError):
        Bound(minimum=0.5)


def test_a_blocking_failure_refuses_and_a_warning_does_not():
    blocked = judge({"accuracy": FAIR}, {"accuracy": Bound(at_least=0.9)})
    warned = judge({"accuracy": FAIR}, {"accuracy": Bound(at_least=0.9, severity="warn")})
    assert (blocked.admitted, blocked.checks[0].passed) == (False, False)
    assert (warned.admitted, warned.checks[0].passed) == (True, False)


def test_one_failure_among_many_refuses():
    bounds = {"a": Bound(at_least=0.5), "b": Bound(at_least=0.9), "c": Bound(at_least=0.5)}
    assert not judge(dict.fromkeys("abc", FAIR), bounds).admitted


def test_a_bounded_value_that_nobody_measured_is_refused():
    verdict = judge({"something_else": FAIR}, {"accuracy": Bound(at_least=0.1)})
    assert not verdict.admitted
    assert verdict.checks[0].note == "not measured"


def test_what_has_no_bound_is_not_judged():
    assert judge({"accuracy": Interval()}, {}).admitted
    assert judge({"accuracy": Interval()}, {}).checks == []


def test_a_verdict_comes_back_from_its_file(tmp_path):
    verdict = judge({"accuracy": FAIR}, {"accuracy": Bound(at_least=0.5, at_most=0.9, severity="warn")})
    write_verdict(tmp_path / "verdict.json", verdict)
    assert read_verdict(tmp_path / "verdict.json") == verdict


def test_a_verdict_with_nan_can_be_written(tmp_path):
    nan = float("nan")
    write_verdict(tmp_path / "v.json", judge({"a": Interval(value=nan, low=nan, high=nan)}, {"a": Bound(at_least=0)}))
    assert read_json(tmp_path / "v.json")["checks"][0]["value"] is None


def test_the_file_holds_the_promised_keys(tmp_path):
    write_verdict(tmp_path / "verdict.json", judge({"accuracy": FAIR}, {"accuracy": Bound(at_least=0.5)}))
    content = read_json(tmp_path / "verdict.json")
    assert {"schema_version", "admitted", "checks"} == set(content)
    assert {"name", "value", "low", "high", "bound", "passed"} <= set(content["checks"][0])


@pytest.mark.parametrize(
    "content",
    [
        {"schema_version": 2, "admitted": True, "checks": []},
        {"schema_version": 1, "checks": []},
        {"schema_version": 1, "admitted": "perhaps", "checks": []},
        [],
    ],
)
def test_another_schema_or_a_malformed_verdict_is_refused(tmp_path, content):
    write_json(tmp_path / "verdict.json", content)
    with pytest.raises(ValueError, match=r"schema version 2|validation error"):
        read_verdict(tmp_path / "verdict.json")
