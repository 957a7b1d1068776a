"""Checks against bounds, and the verdict that a gate reads.

A check passes only when its whole interval lies inside its bound. A value that could not be measured does not pass.
"""

import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, model_validator

from rlhf_pipeline.mistakes import Mistake
from rlhf_pipeline.records import read_json, write_json

SCHEMA_VERSION = 1


class Bound(BaseModel):
    """What an interval must stay inside: `at_least <= low` and `high <= at_most`."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    at_least: float | None = None
    at_most: float | None = None
    severity: Literal["block", "warn"] = "block"
    optional: bool = False
    """Only warn where the value could not be measured, such as the agreement of one member."""

    @model_validator(mode="after")
    def _has_a_side(self) -> "Bound":
        if self.at_least is None and self.at_most is None:
            raise ValueError("a bound needs at_least or at_most")
        return self


class Check(BaseModel):
    """One measured value with its interval, its bound, and whether it passed."""

    name: str
    value: float | None
    low: float | None
    high: float | None
    bound: Bound
    passed: bool
    note: str = ""

    def words(self) -> str:
        """Return name, value and note in words."""
        value = "" if self.value is None else f" {self.value:.4g}"
        return f"{self.name}{value}" + (f" ({self.note})" if self.note else "")


class Verdict(BaseModel):
    """What a judging stage concludes: admitted when no blocking check failed."""

    schema_version: int = SCHEMA_VERSION
    admitted: bool
    checks: list[Check]


class Interval(BaseModel):
    """A measured value and its 95 % interval; all three None where nothing could be measured."""

    value: float | None = None
    low: float | None = None
    high: float | None = None
    note: str = ""


def exactly(value: float, note: str = "") -> Interval:
    """Return the interval of a value that is counted, not estimated."""
    return Interval(value=value, low=value, high=value, note=note)


def check(name: str, interval: Interval, bound: Bound) -> Check:
    """Hold an interval against a bound."""
    low, high = interval.low, interval.high
    measured = low is not None and high is not None and math.isfinite(low) and math.isfinite(high)
    passed = (
        measured
        and (bound.at_least is None or low >= bound.at_least)  # type: ignore[operator]
        and (bound.at_most is None or high <= bound.at_most)  # type: ignore[operator]
    )
    note = interval.note if measured else interval.note or "not measured"
    value, low, high = (x if x is not None and math.isfinite(x) else None for x in (interval.value, low, high))
    return Check(name=name, value=value, low=low, high=high, bound=bound, passed=passed, note=note)


def judge(measured: Mapping[str, Interval], bounds: Mapping[str, Bound]) -> Verdict:
    """Hold every bounded value against its bound; one that is missing fails as not measured, or warns if optional."""
    checks = []
    for name, bound in bounds.items():
        interval = measured.get(name, Interval())
        is_excused = bound.optional and interval.value is None
        held = bound.model_copy(update={"severity": "warn"}) if is_excused else bound
        checks.append(check(name, interval, held))
    return Verdict(admitted=is_admitted(checks), checks=checks)


def is_admitted(checks: Iterable[Check]) -> bool:
    """Return whether no blocking check failed."""
    return all(c.passed or c.bound.severity == "warn" for c in checks)


def write_verdict(path: Path | str, verdict: Verdict) -> None:
    """Write verdict.json."""
    write_json(path, verdict.model_dump())


def read_verdict(path: Path | str) -> Verdict:
    """Read verdict.json.

    Raises:
        Mistake: it is of another schema version or malformed.
    """
    verdict = Verdict.model_validate(read_json(path))
    if verdict.schema_version != SCHEMA_VERSION:
        raise Mistake(
            f"{path}: schema version {verdict.schema_version}, this code reads {SCHEMA_VERSION}; run its stage again"
        )
    return verdict
