"""Pairs whose worse side the reference finds likelier: how many DPO, trained on others like them, turns round."""

from benchmarks.claims import Claim, Settings
from benchmarks.claims.lab import Lab
from benchmarks.claims.parts import direct, trunks, worlds
from rlhf_pipeline import models
from rlhf_pipeline.validation.implicit import reply_logps

CLAIM = Claim(
    method="policy/algorithms/dpo",
    paper="Chen et al. 2024, arXiv:2405.19534",
    says="DPO rarely turns round even what the reference ranks mildly wrong",
    metric="share of test pairs ranked wrong by the reference that stay so after DPO on 4,000 pairs, less a half",
    smallest=0.1,
    without=(),
    with_=({},),
)


def measure(lab: Lab, settings: Settings) -> float:
    """Return by how much more than half of the wrongly ranked pairs stay wrong."""
    rows = worlds.pairs(lab, "test")
    said = [row["prompt"] + row[side] for side in ("chosen", "rejected") for row in rows]
    is_wrong = []
    for folder in (trunks.trunk(lab), direct.policy(lab)):
        chosen, rejected = reply_logps(*models.load_policy(folder), said)[0].split(len(rows))
        is_wrong.append(chosen <= rejected)
    before, after = is_wrong
    return float(after[before].float().mean()) - 0.5
