"""Agreement beyond chance of the same scorer's choices under two conditions.

Cohen 1960, A coefficient of agreement for nominal scales.
"""

from collections.abc import Mapping

import numpy as np

from rlhf_pipeline.intervals import MIN_CLUSTERS, TOO_FEW
from rlhf_pipeline.validation.benchmarks._measuring import by_cluster, finite_interval
from rlhf_pipeline.validation.checks._resampling import Floats, resample
from rlhf_pipeline.verdicts import Interval

NUM_CHOICES = 3
CELLS = NUM_CHOICES**2
UNDEFINED = "kappa is undefined: every choice is the same"
Choices = Mapping[str, tuple[int, int]]
"""Of each item the choice under one condition and under the other: -1, 0 or 1."""


def kappa(counts: Floats) -> Floats:
    """Return Cohen's kappa of tables of choices; NaN where both conditions made one and the same choice throughout.

    Args:
        counts: [..., 9] how often each pair of choices came up, the first condition's choice outermost.
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        shares = (counts / counts.sum(axis=-1, keepdims=True)).reshape(*counts.shape[:-1], NUM_CHOICES, NUM_CHOICES)
        agreed = np.trace(shares, axis1=-2, axis2=-1)
        by_chance = (shares.sum(axis=-1) * shares.sum(axis=-2)).sum(axis=-1)
        return np.where(by_chance < 1 - 1e-12, (agreed - by_chance) / (1 - by_chance), np.nan)


def kappas(choices: Mapping[str, Choices], seed: int) -> tuple[dict[str, Interval], Interval]:
    """Return the kappa of each group with its interval, and of their plain mean.

    Args:
        choices: per group; items of one name are resampled together, whatever their group.
        seed: of the resampling.
    """
    names = [name for name in choices if choices[name]]
    rows = [(g, item, pair) for g, name in enumerate(names) for item, pair in choices[name].items()]
    if not rows:
        return {name: Interval(note="no items") for name in choices}, Interval(note="no items")
    labels = np.array([g * CELLS + (a + 1) * NUM_CHOICES + b + 1 for g, _, (a, b) in rows])
    clusters = np.unique([item for _, item, _ in rows], return_inverse=True)[1]
    table = by_cluster(np.ones(len(rows)), labels, clusters, len(names) * CELLS)
    values = kappa(table.sum(axis=0).reshape(len(names), CELLS))
    draws = kappa(resample(table, seed).reshape(-1, len(names), CELLS))
    few = [len(choices[name]) < MIN_CLUSTERS for name in names]
    found = {name: _interval(values[g], draws[:, g], few[g]) for g, name in enumerate(names)}
    defined = [g for g in range(len(names)) if np.isfinite(values[g])]
    mean = values[defined].mean() if defined else np.nan
    joint = _interval(mean, draws[:, defined].mean(axis=1) if defined else draws[:, 0], any(few))
    return {name: found.get(name, Interval(note="no items")) for name in choices}, joint


def choice(margin: float) -> int:
    """Return 1 where the better side was chosen, -1 where the other was, 0 where neither was."""
    return int(np.sign(margin))


def _interval(value: float, draws: Floats, few: bool) -> Interval:
    if not np.isfinite(value):
        return Interval(note=UNDEFINED)
    if few:
        return Interval(value=float(value), note=TOO_FEW)
    return finite_interval(float(value), draws)
