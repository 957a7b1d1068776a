"""Whether two rewards that contradict each other are worth more together than two that agree."""

from statistics import fmean

from torch import Tensor

from benchmarks.claims import Claim, Settings
from benchmarks.claims.lab import Lab
from benchmarks.claims.parts import ensembles, joining, samples
from rlhf_pipeline.validation.monitors.metric_inconsistency_report import inconsistencies

CLAIM = Claim(
    method="validation/monitors/metric_inconsistency_report",
    paper="Dai and Xiao 2025, arXiv:2505.18139",
    says="metrics that contradict each other are worth keeping: together they guard against overfitting one",
    metric="gold of the best of 64 by two rewards less that by either; 22 of 66 pairs, without: that agree most",
    smallest=0.1,
    without=({"place": -1},),
    with_=({"place": 0},),
)
THIRD = 22
"""Of the pairs of twelve reward models."""


def measure(lab: Lab, settings: Settings) -> float:
    """Return what joining gains in the most contradictory third of the pairs (place 0) or in the last (place -1)."""
    drawn = samples.draw(lab)
    models = [*ensembles.strong(lab), *ensembles.fair(lab), *ensembles.weak(lab)]
    rewards = joining.on_one_scale(samples.rewards(lab, models, drawn))
    gains = gains_in_order(rewards, samples.gold(lab, drawn))
    return fmean(gains[:THIRD] if settings["place"] == 0 else gains[-THIRD:])


def gains_in_order(rewards: Tensor, gold: Tensor) -> list[float]:
    """Return what joining each pair gains over choosing by either of the two, the most contradictory pair first.

    Args:
        rewards: [K, P, n] on one scale.
        gold: [P, n].
    """
    alone = [joining.gold_of_best(own, gold) for own in rewards]
    clusters = [str(prompt) for prompt in range(gold.shape[0]) for _ in range(gold.shape[1])]
    values = {str(number): own.flatten().tolist() for number, own in enumerate(rewards)}
    gains = []
    for pair in inconsistencies(values, clusters=clusters):
        a, b = int(pair.first), int(pair.second)
        gains.append(joining.gold_of_best(rewards[a] + rewards[b], gold) - (alone[a] + alone[b]) / 2)
    return gains
