"""Online DPO, which also learns from the worst completion, against fine-tuning on the best alone."""

from benchmarks.claims import Claim, Settings
from benchmarks.claims.lab import Lab
from benchmarks.claims.parts import ensembles, policies

CLAIM = Claim(
    method="policy/algorithms/online_dpo",
    paper="Guo et al. 2024, arXiv:2402.04792",
    says="preferring the best to the worst of fresh completions gives more than fine-tuning on the best",
    metric="gold of the policy's completions, mean over prompts, as many steps of as many; without: RAFT",
    smallest=0.1,
    without=({"algorithm": "raft"},),
    with_=({"algorithm": "online_dpo"},),
)


def measure(lab: Lab, settings: Settings) -> float:
    """Return gold after optimising against four members' mean."""
    return policies.gold_after(lab, ensembles.strong(lab), **settings)
