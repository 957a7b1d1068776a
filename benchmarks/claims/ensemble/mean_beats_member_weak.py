"""An ensemble's mean against its members, each alone, where the members are weak."""

import statistics

from benchmarks.claims import Claim, Settings
from benchmarks.claims.lab import Lab
from benchmarks.claims.parts import ensembles, joining, samples

CLAIM = Claim(
    method="validation/aggregators/mean",
    paper="Eisenstein et al. 2023, arXiv:2312.09244",
    says="an ensemble mitigates reward hacking: optimising its mean gives more gold than optimising one member",
    metric="gold of the best of 64, mean over prompts; members trained on 500 pairs; without: mean over members alone",
    smallest=0.1,
    without=({"joined": False},),
    with_=({"joined": True},),
)


def measure(lab: Lab, settings: Settings) -> float:
    """Return the gold of the best of n by the ensemble, or by its members alone on average."""
    drawn = samples.draw(lab)
    gold = samples.gold(lab, drawn)
    raw = samples.rewards(lab, ensembles.weak(lab), drawn)
    if settings["joined"]:
        return joining.gold_of_best(joining.join(raw), gold)
    return statistics.mean(joining.gold_of_best(member, gold) for member in raw)
