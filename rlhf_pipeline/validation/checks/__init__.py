"""Methods: what is asked of an ensemble before a policy may be trained against it.

Each holds `Params` and `check(items: Items, context: Context, params: Params) -> Result`, and before it
`collect(inputs: Inputs, table: Table, params: Params) -> Items`, which enters what it compares into the table: all
checks collect first, then each model scores the table once, then all checks read the scores.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

from rlhf_pipeline.validation.items import Comparison, Table
from rlhf_pipeline.validation.judges import Testimony
from rlhf_pipeline.verdicts import Interval

Items = Mapping[str, Sequence[Comparison]]
ENSEMBLE, MEMBER_MEAN = "ensemble", "member_mean"


@dataclass(frozen=True)
class Context:
    """The rewards of every conversation of the table, T of them."""

    table: Table
    reward: Tensor
    """[T] of the ensemble, normalised as params.yaml chooses."""
    uncentred: Tensor
    """[T] of the ensemble, members divided by their scale, nothing subtracted."""
    centred: Tensor
    """[T] of the ensemble, normalised within the prompt whatever params.yaml chooses."""
    normalised: Mapping[str, Tensor]
    """[T] of each member and evaluator, normalised as params.yaml chooses."""
    spreads: Mapping[str, float]
    """Of each member: the spread within prompts that its normalised rewards have where its scale is right."""
    disagreement: Tensor
    """[T] standard deviation of the normalised rewards over members."""
    members: Sequence[str]
    evaluators: Sequence[str]
    seed: int
    verdicts: Tensor | None = None
    """[A, 2, 3] of the table's asked pairs: probabilities of first, tie, second, in both orders.

    The second order is as it was asked, not mapped back. What gives rewards alone compares by the ensemble's reward.
    """
    testimony: Testimony | None = None
    """What a generative judge said in full; None where the rewards are of another kind."""
    represent: Callable[[Sequence[int]], Mapping[str, Tensor]] = lambda rows: {}
    """[n, D] representations of rows of the table by each model that has them, by its key; a pass of its own."""


@dataclass(frozen=True)
class Finding:
    """One measured value; where there was nothing to measure its interval is empty and its note says so."""

    metric: str
    interval: Interval
    num_items: int
    description: str


@dataclass(frozen=True)
class Result:
    """What a check found, and the items that went most wrong, texts included."""

    findings: Sequence[Finding]
    worst: Sequence[Mapping[str, Any]] = ()
    rows: Sequence[Mapping[str, Any]] = field(default=())
    """A table of its own, such as the bins of a calibration."""
