"""How far a share is from what it would be by chance, where rows of one group are not independent."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Share:
    """A mean with its standard error, and the number of independent groups behind it."""

    value: float
    error: float
    num_groups: int

    @property
    def interval(self) -> tuple[float, float]:
        """Return the 95 % interval; all of [0, 1] where there is one group."""
        from scipy.stats import t

        if self.num_groups < 2:
            return 0.0, 1.0
        reach = float(t.ppf(0.975, self.num_groups - 1)) * self.error
        return max(self.value - reach, 0.0), min(self.value + reach, 1.0)


def share(values: Sequence[float], groups: Sequence[str]) -> Share:
    """Return the mean of values with an error that counts groups, not rows.

    The error is that of Liang and Zeger 1986 with the correction for few groups.

    Args:
        values: [N] between 0 and 1.
        groups: [N] names; values of one group may depend on one another.
    """
    import numpy as np

    data = np.asarray(values, dtype=float)
    labels = np.unique(np.asarray(groups), return_inverse=True)[1]
    apart = np.bincount(labels, weights=data - data.mean())
    count = len(apart)
    error = float(np.sqrt((apart**2).sum() * count / max(count - 1, 1)) / len(data))
    return Share(float(data.mean()), error, count)


def chance_of_share(found: Share, expected: float) -> float:
    """Return how often chance alone gives a share at least as far from the expected one, on either side."""
    return _two_sided(found.value - expected, found.error, found.num_groups - 1)


def chance_of_difference(one: Share, other: Share) -> float:
    """Return how often chance alone sets two shares as far apart."""
    error = (one.error**2 + other.error**2) ** 0.5
    return _two_sided(one.value - other.value, error, min(one.num_groups, other.num_groups) - 1)


def chance_of_count(count: int, number: int, expected: float) -> float:
    """Return how often chance alone gives a count as unlikely, where each of a number has the expected probability."""
    from scipy.stats import binomtest

    return float(binomtest(count, number, min(max(expected, 0.0), 1.0)).pvalue)


def _two_sided(difference: float, error: float, freedom: int) -> float:
    from scipy.stats import t

    if freedom < 1:
        return 1.0
    if error == 0:
        return float(difference == 0)
    return float(2 * t.sf(abs(difference) / error, freedom))
