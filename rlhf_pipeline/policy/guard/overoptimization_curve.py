"""The law of over-optimisation: a reward over the distance from the reference, its peak, and how sure that peak is.

Gao, Schulman and Hilton 2022 (arXiv:2210.10760): with d the root of the KL divergence in nats, gold follows
d (alpha - beta log d) under reinforcement learning and d (alpha - beta d) under best of n; Rafailov et al. 2024
(arXiv:2406.02900) find the first form in direct alignment too. Both are linear in alpha and beta, so the fit is least
squares. Departs from the paper in an interval: prompts are resampled and the law is fitted again.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from rlhf_pipeline.intervals import MIN_CLUSTERS, RESAMPLES, TOO_FEW
from rlhf_pipeline.methods import MethodParams
from rlhf_pipeline.verdicts import Interval

Floats = NDArray[np.float64]
MIN_POINTS = 3
NEAR_ZERO = 1e-12


class Params(MethodParams):
    """Which law, and what counts as over-optimised."""

    law: Literal["rl", "best_of_n"] = Field(default="rl", description="rl serves online and offline trainings alike")
    seed: int = Field(default=0, ge=0, description="of the resampling")


class Law(NamedTuple):
    """A reward gain of alpha * d - beta * bend(d), and where that is largest."""

    bend: Callable[[Floats], Floats]
    peak: Callable[[float, float], float]


LAWS: Mapping[str, Law] = {
    "rl": Law(lambda d: d * np.log(np.maximum(d, NEAR_ZERO)), lambda alpha, beta: math.exp(alpha / beta - 1)),
    "best_of_n": Law(lambda d: d * d, lambda alpha, beta: alpha / (2 * beta)),
}


@dataclass(frozen=True)
class Curve:
    """A fitted law."""

    alpha: float
    beta: float
    r_squared: float
    """Share of the gains' variance that the law explains."""
    peak: Interval
    """Distance of the highest reward, root nats; empty where the law rises for ever."""
    is_past: bool
    """Whether the whole interval of the peak lies before the farthest point: the training went too far."""


def kl_of_best_of(n: int) -> float:
    """Return the KL divergence of best of n from what it draws from: log n - (n - 1) / n nats (exact without ties)."""
    return math.log(n) - (n - 1) / n


def fit(kl: Floats, gains: Floats, params: Params | None = None) -> Curve:
    """Fit a law to a training, or to best of several n.

    Args:
        kl: [N] nats of N checkpoints, or of N values of n.
        gains: [N, P] reward above the reference's of each of P prompts; one column where only means are known.
        params: which law.

    Raises:
        ValueError: fewer than three checkpoints are away from the reference.
    """
    params = params or Params()
    law, d = LAWS[params.law], np.sqrt(np.maximum(kl, 0.0))
    if (d > NEAR_ZERO).sum() < MIN_POINTS:
        raise ValueError(f"{(d > NEAR_ZERO).sum()} checkpoints away from the reference; a law needs {MIN_POINTS}")
    basis = np.stack([d, -law.bend(d)], axis=1)
    solve, mean = np.linalg.pinv(basis), gains.mean(axis=1)
    alpha, beta = solve @ mean
    left = mean - basis @ np.array([alpha, beta])
    total = float(((mean - mean.mean()) ** 2).sum())
    peak = _peak(law, solve, gains, float(alpha), float(beta), params.seed)
    is_past = peak.high is not None and peak.high < d.max()
    return Curve(float(alpha), float(beta), 1 - float((left**2).sum()) / max(total, NEAR_ZERO), peak, is_past)


def _peak(law: Law, solve: Floats, gains: Floats, alpha: float, beta: float, seed: int) -> Interval:
    """Return where the law is highest, with its interval from prompts drawn with replacement."""
    value = _at(law, alpha, beta)
    if not math.isfinite(value):
        return Interval(note="no peak: the law rises for ever")
    num = gains.shape[1]
    if num < MIN_CLUSTERS:
        return Interval(value=value, note=TOO_FEW)
    rng = np.random.default_rng(seed)
    drawn = rng.multinomial(num, np.full(num, 1 / num), size=RESAMPLES) / num
    peaks = [_at(law, *pair) for pair in (solve @ (gains @ drawn.T)).T]
    low, high = np.quantile(peaks, [0.025, 0.975], method="inverted_cdf")
    return Interval(value=value, low=min(float(low), value), high=max(float(high), value))


def _at(law: Law, alpha: float, beta: float) -> float:
    """Return the peak of a law; infinite where it bends upwards, 0 where it falls from the start."""
    if beta <= NEAR_ZERO:
        return math.inf
    try:
        return max(law.peak(alpha, beta), 0.0)
    except OverflowError:
        return math.inf


def reward_at(curve: Curve, kl: float, law: Literal["rl", "best_of_n"] = "rl") -> float:
    """Return the gain that a fitted law gives at a divergence in nats."""
    d = np.array([math.sqrt(max(kl, 0.0))])
    return float(curve.alpha * d[0] - curve.beta * LAWS[law].bend(d)[0])
