"""Bootstrap of what is not a mean: sums by cluster, resampled by cluster."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from rlhf_pipeline.intervals import RESAMPLES
from rlhf_pipeline.verdicts import Interval

Floats = NDArray[np.float64]


def resampled_sums(columns: Floats, clusters: Sequence[str], seed: int) -> tuple[Floats, Floats]:
    """Return the sums of the columns, and their sums in each resample of whole clusters.

    Args:
        columns: [N, C].
        clusters: [N] names.
        seed: of the resampling.

    Returns:
        [C] and [RESAMPLES, C].
    """
    labels = np.unique(np.asarray(clusters), return_inverse=True)[1]
    num_clusters = int(labels.max()) + 1
    sums = np.zeros((num_clusters, columns.shape[1]))
    np.add.at(sums, labels, columns)
    chances = np.full(num_clusters, 1 / num_clusters)
    times = np.random.default_rng(seed).multinomial(num_clusters, chances, size=RESAMPLES)
    return sums.sum(axis=0), times @ sums


def percentile_interval(value: float, draws: Floats) -> Interval:
    """Return a value and the 95 % percentile interval of its resamples, widened to hold the value."""
    low, high = np.quantile(draws, [0.025, 0.975])
    return Interval(value=value, low=float(min(low, value)), high=float(max(high, value)))
