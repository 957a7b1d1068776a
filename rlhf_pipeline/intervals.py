"""Bootstrap intervals of means, resampled by cluster where rows share one."""

from collections.abc import Sequence

import numpy as np

from rlhf_pipeline.verdicts import Interval

RESAMPLES = 1000
DRAWN_AT_ONCE = 4_000_000  # clusters; all resamples of a million would fill the memory
MIN_CLUSTERS = 10
"""With fewer, a bootstrap is too sure: three items, all right, would give an interval of no width."""
TOO_FEW = f"no interval: fewer than {MIN_CLUSTERS} independent items"


def mean_interval(values: Sequence[float], clusters: Sequence[str] | None = None, seed: int = 0) -> Interval:
    """Return the mean and its 95 % percentile bootstrap interval.

    Args:
        values: [N] measurements.
        clusters: [N] names; whole clusters are resampled, for rows of one prompt are not independent.
        seed: of the resampling.

    Returns:
        All None, with a note, where there are no values; the mean alone where there are fewer than `MIN_CLUSTERS`.
    """
    if len(values) == 0:
        return Interval(note="no items")
    data = np.asarray(values, dtype=float)
    labels = np.arange(len(data)) if clusters is None else np.unique(np.asarray(clusters), return_inverse=True)[1]
    sums = np.bincount(labels, weights=data)
    counts = np.bincount(labels)
    if len(sums) < MIN_CLUSTERS:
        return Interval(value=float(data.mean()), note=TOO_FEW)
    rng = np.random.default_rng(seed)
    means = np.empty(RESAMPLES)
    step = max(DRAWN_AT_ONCE // len(sums), 1)
    for start in range(0, RESAMPLES, step):
        draws = rng.integers(0, len(sums), size=(min(step, RESAMPLES - start), len(sums)))
        means[start : start + step] = sums[draws].sum(axis=1) / counts[draws].sum(axis=1)
    low, high = np.quantile(means, [0.025, 0.975])
    return Interval(value=float(data.mean()), low=float(low), high=float(high))
