"""Claims: does each method do here what its paper says?

A claim is one file in the folder of its family, `<family>/<name>.py`, with two things:

- `CLAIM = Claim(...)`: what is claimed, in which unit, and the smallest size that counts; written before a first run.
- `measure(lab: Lab, settings: Settings) -> float`: the metric of one arm in one seed's world. It is called once with
  settings of `without` and once with settings of `with_`; the effect is the difference.

`python -m benchmarks.claims NAME` measures it, and its row appears in docs/claims.md.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Settings = Mapping[str, Any]


@dataclass(frozen=True)
class Claim:
    """What a paper says of a method, and what would show it here."""

    method: str
    """The file under `rlhf_pipeline/` that does it, without its ending, such as `validation/aggregators/min`."""
    paper: str
    says: str
    metric: str
    """What `measure` returns, with its unit."""
    smallest: float
    """The smallest effect that counts, in the metric's unit."""
    without: Sequence[Settings] = ({},)
    """Settings to try of the arm without the method; empty for an effect that is measured against zero."""
    with_: Sequence[Settings] = ({},)
    """Settings to try of the arm with it."""
    higher_is_better: bool = True

    def __post_init__(self) -> None:
        if self.smallest <= 0:
            raise ValueError(f"smallest={self.smallest}: the smallest size that counts is above 0")
        if not self.with_ or (self.without and len(self.without) != len(self.with_)):
            raise ValueError(
                f"{len(self.without)} settings without, {len(self.with_)} with: both arms get the same budget"
            )
