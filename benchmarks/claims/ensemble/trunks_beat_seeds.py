"""Members on different trunks against members on one, over the same four models."""

import statistics
from itertools import combinations

from benchmarks.claims import Claim, Settings
from benchmarks.claims.lab import Lab
from benchmarks.claims.parts import ensembles, joining, samples

CLAIM = Claim(
    method="validation/aggregators/mean",
    paper="Eisenstein et al. 2023, arXiv:2312.09244",
    says="members that differ by pretraining seed make a better ensemble than members that differ by fine-tuning seed",
    metric="gold of the best of 64 by two members' mean, mean over prompts and over every such pair",
    smallest=0.1,
    without=({"same_trunk": True},),
    with_=({"same_trunk": False},),
)


def measure(lab: Lab, settings: Settings) -> float:
    """Return the gold of the best of n, averaged over the pairs of members that share a trunk, or that do not.

    Every member is in as many pairs of the one kind as of the other's, so the quality of the trunks cancels.
    """
    drawn = samples.draw(lab)
    gold = samples.gold(lab, drawn)
    raw = samples.rewards(lab, ensembles.strong(lab), drawn)
    trunks = list(ensembles.TRUNKS.values())
    chosen = [(i, j) for i, j in combinations(range(4), 2) if (trunks[i] == trunks[j]) is settings["same_trunk"]]
    return statistics.mean(joining.gold_of_best(joining.join(raw[list(pair)]), gold) for pair in chosen)
