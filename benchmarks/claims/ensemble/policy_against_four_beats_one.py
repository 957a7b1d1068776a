"""A policy optimised against the mean of four members and against one: does the best of n stand in for it?"""

from benchmarks.claims import Claim, Settings
from benchmarks.claims.lab import Lab
from benchmarks.claims.parts import ensembles, policies

CLAIM = Claim(
    method="validation/aggregators/mean",
    paper="Eisenstein et al. 2023, arXiv:2312.09244",
    says="an ensemble mitigates reward hacking: optimising its mean gives more gold than optimising one member",
    metric="gold of the policy's completions, mean over prompts; members trained on 500 pairs; without: one member",
    smallest=0.1,
    without=({"joined": False},),
    with_=({"joined": True},),
)


def measure(lab: Lab, settings: Settings) -> float:
    """Return gold after optimising against four weak members' mean, or against the first of them alone."""
    models = ensembles.weak(lab)
    return policies.gold_after(lab, models if settings["joined"] else models[:1])
