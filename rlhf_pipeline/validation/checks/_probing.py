"""Linear probes on representations: what they read of a property, and how far an item lies from what they know."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rlhf_pipeline.intervals import MIN_CLUSTERS, TOO_FEW
from rlhf_pipeline.validation.checks._resampling import percentile_interval, resampled_sums
from rlhf_pipeline.verdicts import Interval

Floats = NDArray[np.float64]
Booleans = NDArray[np.bool_]


@dataclass(frozen=True)
class Probed:
    """What probes of the other parts say of each item."""

    is_high: Booleans
    """[N] the class that was read."""
    distance: Floats
    """[N] to the nearer of the two classes' centres, in standard deviations of a dimension."""


def is_high(values: Floats) -> Booleans:
    """Return which of [N] values are above their median, or not below it: whichever parts them more evenly."""
    if len(values) == 0:
        return np.zeros(0, dtype=bool)
    above, not_below = values > np.median(values), values >= np.median(values)
    return above if abs(above.mean() - 0.5) <= abs(not_below.mean() - 0.5) else not_below


def probe(
    representations: Floats, labels: Booleans, clusters: Sequence[str], num_folds: int, inverse_penalty: float
) -> Probed | None:
    """Read a property of each item with a logistic regression that was fitted on the other parts.

    Args:
        representations: [N, D].
        labels: [N] whether each item has the property.
        clusters: [N] names; a cluster is in one part whole.
        num_folds: parts.
        inverse_penalty: C of the regression, on dimensions of unit variance.

    Returns:
        None where the property is the same everywhere, or there are too few clusters to learn it from.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedGroupKFold
    from sklearn.preprocessing import StandardScaler

    counts = np.bincount(labels.astype(int), minlength=2)
    if counts.min() < num_folds or len(set(clusters)) < num_folds:
        return None
    read, distance = np.zeros(len(labels), dtype=bool), np.zeros(len(labels))
    for learnt, left in StratifiedGroupKFold(num_folds).split(representations, labels, np.asarray(clusters)):
        if len(set(labels[learnt].tolist())) < 2:
            return None
        scaler = StandardScaler().fit(representations[learnt])
        known, asked = scaler.transform(representations[learnt]), scaler.transform(representations[left])
        model = LogisticRegression(C=inverse_penalty, class_weight="balanced", max_iter=1000)
        read[left] = model.fit(known, labels[learnt]).predict(asked)
        centres = np.stack([known[labels[learnt] == own].mean(axis=0) for own in (False, True)])
        apart = np.linalg.norm(asked[:, None] - centres, axis=2)
        distance[left] = apart.min(axis=1) / np.sqrt(representations.shape[1])
    return Probed(read, distance)


def balanced_accuracy(labels: Booleans, read: Booleans, clusters: Sequence[str], seed: int) -> Interval:
    """Return the mean of the shares of both classes that were read right, with its interval over clusters.

    Args:
        labels: [N] the class of each; both occur.
        read: [N] the class that was read.
        clusters: [N] names.
        seed: of the resampling.
    """
    right = labels == read
    columns = np.stack([right & labels, labels, right & ~labels, ~labels], axis=1).astype(float)
    total, draws = resampled_sums(columns, clusters, seed)
    value = float(total[0] / total[1] + total[2] / total[3]) / 2
    if len(set(clusters)) < MIN_CLUSTERS:
        return Interval(value=value, note=TOO_FEW)
    draws = draws[(draws[:, 1] > 0) & (draws[:, 3] > 0)]
    return percentile_interval(value, (draws[:, 0] / draws[:, 1] + draws[:, 2] / draws[:, 3]) / 2)
