"""Methods: how an ensemble's rewards become one.

Each holds `Params` and `aggregate(rewards: Tensor, context: Context, params: Params) -> Tensor`, from [K, N] normalised
rewards to [N]. One that learns from validation pairs also holds `fit(chosen: Tensor, rejected: Tensor, params: Params)
-> dict`, from two [K, M] normalised rewards to what `context.fitted` then holds; it is kept in ensemble.json.
"""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Context:
    """What an aggregator may know beside the rewards."""

    groups: Sequence[Hashable]
    """[N] the prompt of each completion."""
    fitted: Mapping[str, Any] = field(default_factory=dict)
    """What the method's `fit` learned from validation pairs."""
