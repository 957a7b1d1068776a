"""Which metrics of the same items contradict each other: every pair by itself, never one number for all.

After Dai and Xiao 2025 (arXiv:2505.18139), who argue to keep metrics that disagree and to say how much disagreement is
acceptable; the paper names no measure, here it is Spearman's rank correlation. Rewards are centred within the prompt
before they are compared, or what is free in them is compared too.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from pydantic import Field
from scipy.stats import rankdata

from rlhf_pipeline.intervals import MIN_CLUSTERS, TOO_FEW
from rlhf_pipeline.methods import MethodParams
from rlhf_pipeline.validation.checks._resampling import percentile_interval, resampled_sums
from rlhf_pipeline.verdicts import Interval


class Params(MethodParams):
    """How much disagreement is acceptable."""

    tolerance: float = Field(default=0.3, ge=-1, le=1, description="rank correlation below which a pair is flagged")
    seed: int = Field(default=0, ge=0, description="of the resampling")


@dataclass(frozen=True)
class Pair:
    """Two metrics of the same items."""

    first: str
    second: str
    correlation: Interval
    tolerance: float
    is_flagged: bool


def inconsistencies(
    values: Mapping[str, Sequence[float]],
    params: Params | None = None,
    tolerances: Mapping[frozenset[str], float] | None = None,
    clusters: Sequence[str] | None = None,
) -> list[Pair]:
    """Return every pair of metrics with its rank correlation, the most contradictory first.

    Args:
        values: [N] of each metric, larger is better in all, items in the same order.
        params: what is acceptable.
        tolerances: where a pair of names is allowed more or less than the others.
        clusters: [N] names; items of one are resampled together. None: each item is one.

    Returns:
        All pairs; one whose correlation cannot be measured is flagged and comes first.

    Raises:
        ValueError: metrics have different numbers of items, or a value is not finite.
    """
    params, allowed = params or Params(), tolerances or {}
    table = {name: np.asarray(column, dtype=float) for name, column in values.items()}
    if len({len(column) for column in table.values()}) > 1:
        raise ValueError(f"metrics of different items: { {name: len(column) for name, column in table.items()} }")
    if not all(np.isfinite(column).all() for column in table.values()):
        raise ValueError("a metric is NaN or infinite for some item")
    pairs = []
    for first, second in combinations(table, 2):
        tolerance = allowed.get(frozenset((first, second)), params.tolerance)
        found = correlation(table[first], table[second], clusters, params.seed)
        pairs.append(Pair(first, second, found, tolerance, found.value is None or found.value < tolerance))
    return sorted(pairs, key=lambda pair: -2 if pair.correlation.value is None else pair.correlation.value)


def correlation(
    first: Sequence[float] | np.ndarray, second: Sequence[float] | np.ndarray, clusters: Sequence[str] | None, seed: int
) -> Interval:
    """Return Spearman's rank correlation, with its interval over clusters; ranks are taken once, over all items.

    Args:
        first: [N].
        second: [N].
        clusters: [N] names, or None.
        seed: of the resampling.
    """
    if len(first) == 0:
        return Interval(note="no items")
    ranks = [rankdata(column) / len(first) for column in (first, second)]
    if any(np.ptp(rank) == 0 for rank in ranks):
        return Interval(note="the same for all items")
    names = [str(item) for item in range(len(first))] if clusters is None else list(clusters)
    a, b = ranks
    columns = np.stack([a * b, a, b, a * a, b * b, np.ones(len(a))], axis=1)
    total, draws = resampled_sums(columns, names, seed)
    value = float(_pearson(total[None])[0])
    if len(set(names)) < MIN_CLUSTERS:
        return Interval(value=value, note=TOO_FEW)
    return percentile_interval(value, _pearson(draws))


def _pearson(sums: np.ndarray) -> np.ndarray:
    """Return [D] correlations from [D, 6] sums of ab, a, b, aa, bb and 1; 0 where one of them does not vary."""
    ab, a, b, aa, bb, count = sums.T
    scale = np.sqrt(np.maximum(aa - a * a / count, 0) * np.maximum(bb - b * b / count, 0))
    return np.asarray(np.divide(ab - a * b / count, scale, out=np.zeros_like(ab), where=scale > 1e-12))
