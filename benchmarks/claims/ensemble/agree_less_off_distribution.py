"""Members agree on what they were trained on, and less on what optimisation finds."""

import statistics
from itertools import combinations

import torch

from benchmarks.claims import Claim, Settings
from benchmarks.claims.lab import Lab
from benchmarks.claims.parts import ensembles, joining, samples

CLAIM = Claim(
    method="validation/aggregators/mean",
    paper="Eisenstein et al. 2023, arXiv:2312.09244",
    says="reward models that agree in distribution disagree on what optimisation reaches: the top of the samples",
    metric="rank correlation of two members within the prompt; without: 16 samples at random, with: the best 16 of 64",
    smallest=0.1,
    without=({"top": False},),
    with_=({"top": True},),
    higher_is_better=False,
)
NUM_KEPT = 16


def measure(lab: Lab, settings: Settings) -> float:
    """Return the mean rank correlation of two members over some of each prompt's samples.

    The best are those that a third member likes: neither of the two compared has chosen.
    """
    drawn = samples.draw(lab)
    raw = samples.rewards(lab, ensembles.strong(lab), drawn)
    chance = torch.rand(raw.shape[1:], generator=torch.Generator().manual_seed(lab.derive("chance")))
    found = []
    for i, j in combinations(range(len(raw)), 2):
        chooser = next(raw[k] for k in range(len(raw)) if k not in (i, j))
        kept = (chooser if settings["top"] else chance).topk(min(NUM_KEPT, raw.shape[2])).indices
        found.append(joining.rank_correlation(raw[i].gather(1, kept), raw[j].gather(1, kept)))
    return statistics.mean(found)
