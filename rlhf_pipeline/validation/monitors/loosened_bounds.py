"""Which bounds refuse less than they did: where a gate is passed by moving it, this tells."""

import math
from collections.abc import Mapping

from rlhf_pipeline.verdicts import Bound

SIDES = {"at_least": -math.inf, "at_most": math.inf}
"""Each limit, and what leaves it out."""


def loosened(before: Mapping[str, Bound], now: Mapping[str, Bound]) -> list[str]:
    """Return a line for every bound that admits more than it did, such as `accuracy/ensemble: at_least 0.55 -> 0.5`.

    A bound that only warned refused nothing, so it cannot admit more; one that is new or tighter admits no more.

    Args:
        before: bounds by metric.
        now: those of today.
    """
    lines = []
    for name, bound in before.items():
        if bound.severity == "block" and (changes := _changes(bound, now.get(name))):
            lines.append(f"{name}: {', '.join(changes)}")
    return lines


def _changes(before: Bound, now: Bound | None) -> list[str]:
    if now is None:
        return ["dropped"]
    limits = [_limit(before, now, side) for side in SIDES]
    weaker = {"block -> warn": now.severity == "warn", "optional": now.optional and not before.optional}
    return [*filter(None, limits), *(told for told, is_so in weaker.items() if is_so)]


def _limit(before: Bound, now: Bound, side: str) -> str:
    """Return how a limit moved outwards; nothing where it did not."""
    nowhere = SIDES[side]
    was, is_now = (nowhere if getattr(bound, side) is None else getattr(bound, side) for bound in (before, now))
    moved = is_now < was if nowhere < 0 else is_now > was
    return f"{side} {was:g} -> {'none' if is_now == nowhere else f'{is_now:g}'}" if moved else ""
