"""Words around a prompt that were learned and searched for against words of chance, as many: which make a policy cheer.

Chance tries once and does not know whether it has succeeded; the attacker asks the policy as often as its rounds say
and chooses by what 200 preferences taught it, never by whether the policy cheers.
"""

import math

from benchmarks.claims import Claim, Settings
from benchmarks.claims.lab import Lab
from benchmarks.claims.parts import searched

CLAIM = Claim(
    method="validation/searches/targeted_behavior_attack",
    paper="Bai et al. 2024, arXiv:2412.10713",
    says="an adversary that learned a behaviour from preferences induces it more often than edits without that aim",
    metric="log of the share of prompts on which three more words make the trunk's likeliest completion cheer",
    smallest=math.log(2),
    without=({"learned": False},),
    with_=({"learned": True},),
)


def measure(lab: Lab, settings: Settings) -> float:
    """Return the log rate of learned edits or of edits of chance."""
    learned, chance = searched.of_trunk(lab, "targeted_behavior_attack", num_prompts=min(lab.size.num_prompts, 50))
    return (learned if settings["learned"] else chance).log_rate
