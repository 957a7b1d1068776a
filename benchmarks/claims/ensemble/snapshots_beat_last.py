"""The mean of four snapshots of one training against its end."""

import statistics

from benchmarks.claims import Claim, Settings
from benchmarks.claims.lab import Lab
from benchmarks.claims.parts import joining, samples, voices

CLAIM = Claim(
    method="rewards/snapshots",
    paper="Huang et al. 2017, arXiv:1704.00109",
    says="snapshots along one training are an ensemble for free: their mean is better than the last of them",
    metric="gold of the best of 64, mean over prompts and two trunks; four snapshots of the last half of the training",
    smallest=0.1,
    without=({"joined": False},),
    with_=({"joined": True},),
)
NAMES = ("a", "b")  # of the night's members: one on each trunk


def measure(lab: Lab, settings: Settings) -> float:
    """Return the gold of the best of n by the snapshots' mean, or by the last, averaged over a member on each trunk."""
    drawn = samples.draw(lab)
    gold = samples.gold(lab, drawn)
    count = min(4, lab.size.num_train // 60)  # a toy has few steps
    said = [voices.rewards(lab, voices.member(lab, name, snapshots=count), drawn) for name in NAMES]
    chosen = said if settings["joined"] else [raw[-1:] for raw in said]
    return statistics.mean(joining.gold_of_best(joining.join(raw), gold) for raw in chosen)
