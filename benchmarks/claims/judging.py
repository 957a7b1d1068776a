"""From paired effects to a verdict; pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from scipy import stats

MIN_SEEDS = 8
LEVEL = 0.95
FALSE_DISCOVERIES = 0.05
Verdict = Literal["holds", "reversed", "negligible", "inconclusive", "missing"]


@dataclass(frozen=True)
class Effect:
    """A paired effect over seeds, positive where the claim says so, and what it shows."""

    num_seeds: int
    value: float
    low: float
    high: float
    p: float
    """Of an effect no larger than the smallest that counts, in the direction seen, doubled for the two directions."""
    verdict: Verdict
    note: str = ""


def judge(effects: Sequence[float], smallest: float) -> Effect:
    """Return the mean effect with its 95 % t interval and what it shows by itself.

    Args:
        effects: one paired difference per seed, positive in the direction claimed.
        smallest: the smallest size that counts, above 0.
    """
    n, value = len(effects), float(np.mean(effects)) if len(effects) else float("nan")
    if n < 2:
        return Effect(n, value, -np.inf, np.inf, 1.0, "inconclusive" if n else "missing", _few(n))
    error = float(np.std(effects, ddof=1)) / n**0.5
    half = float(stats.t.ppf((1 + LEVEL) / 2, n - 1)) * error
    low, high = value - half, value + half
    beyond = abs(value) - smallest
    p = min(2 * float(stats.t.sf(beyond / error, n - 1)), 1.0) if error else float(beyond <= 0)
    words: Verdict = (
        "holds" if low > smallest
        else "reversed" if high < -smallest
        else "negligible" if -smallest <= low and high <= smallest
        else "inconclusive"
    )  # fmt: skip
    if n < MIN_SEEDS:
        return Effect(n, value, low, high, p, "inconclusive", _few(n))
    return Effect(n, value, low, high, p, words)


def control_discoveries(family: Mapping[str, Effect], rate: float = FALSE_DISCOVERIES) -> dict[str, Effect]:
    """Return a family's effects, those that do not survive its false discovery rate made inconclusive.

    Benjamini and Hochberg 1995, over every claim of the family that has enough seeds, decided or not.
    """
    tested = sorted(e.p for e in family.values() if e.num_seeds >= MIN_SEEDS)
    passing = [p for rank, p in enumerate(tested, 1) if p <= rate * rank / len(tested)]
    bound = max(passing, default=-1.0)
    lost = {name for name, e in family.items() if e.verdict in ("holds", "reversed") and e.p > bound}
    note = f"does not survive the family's false discovery rate of {rate:.0%}"
    return {n: replace(e, verdict="inconclusive", note=note) if n in lost else e for n, e in family.items()}


def _few(n: int) -> str:
    return f"{n} of {MIN_SEEDS} seeds"
