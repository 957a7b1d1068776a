"""Reward-ranked fine-tuning on the best of eight and on the better of two, at as many completions a step."""

from benchmarks.claims import Claim, Settings
from benchmarks.claims.lab import Lab
from benchmarks.claims.parts import ensembles, policies

CLAIM = Claim(
    method="policy/algorithms/raft",
    paper="Dong et al. 2023, arXiv:2304.06767",
    says="of as many completions, the best of more per prompt gives more",
    metric="gold of the policy's completions, mean over prompts; best of eight; without: the better of two",
    smallest=0.1,
    without=({"num_generations": 2},),
    with_=({"num_generations": 8},),
)


def measure(lab: Lab, settings: Settings) -> float:
    """Return gold after reward-ranked fine-tuning against four members' mean."""
    return policies.gold_after(lab, ensembles.strong(lab), algorithm="raft", **settings)
