"""The book of measurements, one JSON line each: a stopped run goes on, and only what changed is measured again."""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

Arm = Literal["without", "with"]
BOOK = Path(__file__).parent / "book.jsonl"


@dataclass(frozen=True)
class Measurement:
    """One arm of one claim in one seed."""

    claim: str
    key: str
    seed: int
    arm: Arm
    settings: dict[str, Any]
    value: float
    seconds: float
    date: str
    commit: str


class Book:
    """All measurements; later lines replace earlier ones of the same thing."""

    def __init__(self, path: Path = BOOK) -> None:
        """Read what was measured before."""
        self.path = path
        self._found: dict[str, Measurement] = {}
        for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else ():
            measurement = Measurement(**json.loads(line))
            self._found[_place(measurement)] = measurement

    def __iter__(self) -> Iterator[Measurement]:
        return iter(self._found.values())

    def add(self, measurement: Measurement) -> None:
        """Append a measurement; one short write, so that processes may share the file."""
        self._found[_place(measurement)] = measurement
        with open(self.path, "a", encoding="utf-8") as file:
            file.write(f"{json.dumps(asdict(measurement), sort_keys=True)}\n")

    def keys(self, claim: str) -> list[str]:
        """Return what a claim's measurements are filed under, those added last first."""
        return list(dict.fromkeys(m.key for m in reversed(self._found.values()) if m.claim == claim))

    def find(self, claim: str, key: str, seed: int, arm: Arm, settings: dict[str, Any]) -> Measurement | None:
        """Return a measurement, if it was made."""
        return self._found.get(_place(Measurement(claim, key, seed, arm, settings, 0, 0, "", "")))


def _place(m: Measurement) -> str:
    return json.dumps([m.claim, m.key, m.seed, m.arm, m.settings], sort_keys=True)
