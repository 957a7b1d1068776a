"""A reward learned from rankings against one from ratings of the same pairs, judged by rankings and by ratings.

The world's annotators weigh what they see otherwise when they rate than when they rank.
"""

import torch
from torch import Tensor

from benchmarks.claims import Claim, Settings
from benchmarks.claims.lab import Lab
from benchmarks.claims.parts import relabelled, samples
from rlhf_pipeline.records import text
from rlhf_pipeline.simulation.annotators import RATED
from rlhf_pipeline.simulation.gold import gold
from rlhf_pipeline.simulation.prompts import parse

CLAIM = Claim(
    method="validation/checks/feedback_protocol_consistency",
    paper="Bansal et al. 2023, arXiv:2308.15812",
    says="what is aligned with rankings wins where rankings judge, and not where ratings do",
    metric="share of prompts on which the best of 64 by rankings beats that by ratings, judged by either protocol",
    smallest=0.05,
    without=({"judged_by": "ratings"},),
    with_=({"judged_by": "rankings"},),
)


def measure(lab: Lab, settings: Settings) -> float:
    """Return the share of prompts won by the reward that learned from rankings; a tie counts half."""
    drawn = samples.draw(lab)
    models = [relabelled.member(lab, kind) for kind in ("as ranked", "as rated")]
    by_rankings, by_ratings = (one.argmax(dim=1, keepdim=True) for one in samples.rewards(lab, models, drawn))
    worth = judged_by(lab, drawn, settings["judged_by"])
    lead = (worth.gather(1, by_rankings) - worth.gather(1, by_ratings)).flatten()
    return float(((lead > 0).float() + (lead == 0).float() / 2).mean())


def judged_by(lab: Lab, drawn: samples.Samples, protocol: str) -> Tensor:
    """Return what each sample is worth to annotators who rank or rate it, before their noise, [P, n]."""
    if protocol == "ratings":
        asked = zip(drawn.prompts, drawn.completions, strict=True)
        return torch.tensor([[gold(parse(text(p)), said, RATED).total for said in group] for p, group in asked])
    return samples.gold(lab, drawn)
