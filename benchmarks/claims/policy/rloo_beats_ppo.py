"""Leave-one-out advantages of whole completions, against a value head and advantages of tokens."""

from benchmarks.claims import Claim, Settings
from benchmarks.claims.lab import Lab
from benchmarks.claims.parts import ensembles, policies

CLAIM = Claim(
    method="policy/algorithms/rloo",
    paper="Ahmadian et al. 2024, arXiv:2402.14740",
    says="for a model that is trained already, REINFORCE with a leave-one-out baseline gives more than PPO",
    metric="gold of the policy's completions, mean over prompts, as many steps of as many; without: PPO, a value head",
    smallest=0.1,
    without=({"algorithm": "ppo_kl"},),
    with_=({"algorithm": "rloo"},),
)


def measure(lab: Lab, settings: Settings) -> float:
    """Return gold after optimising against four members' mean."""
    return policies.gold_after(lab, ensembles.strong(lab), **settings)
