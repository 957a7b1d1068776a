"""Aggregators side by side: the gold of the best sample by one ensemble's members, joined in one way or another."""

from benchmarks.claims import Settings
from benchmarks.claims.lab import Lab
from benchmarks.claims.parts import ensembles, joining, samples


def gold_of_best(lab: Lab, settings: Settings) -> float:
    """Return the mean gold of the best of n.

    Args:
        lab: whose members and samples.
        settings: `aggregator`, its `settings`, the `members` (strong where not said) and the `normalisation`.
    """
    drawn = samples.draw(lab)
    raw = samples.rewards(lab, getattr(ensembles, settings.get("members", "strong"))(lab), drawn)
    normalisation = settings.get("normalisation", "within_prompt")
    joined = joining.join(raw, settings["aggregator"], settings.get("settings"), normalisation)
    return joining.gold_of_best(joined, samples.gold(lab, drawn))
