"""A reward model against the reward that DPO implies, of the same 4,000 pairs, on prompts phrased as none of them."""

import torch

from benchmarks.claims import Claim, Settings
from benchmarks.claims.lab import Lab
from benchmarks.claims.parts import direct, members, trunks, worlds
from rlhf_pipeline.validation.implicit import load_implicit

CLAIM = Claim(
    method="validation/checks/implicit_vs_explicit_rm_eval",
    paper="Lin et al. 2024, arXiv:2409.03650",
    says="the reward that DPO implies generalises worse than one that is trained: 3 points on shifted data",
    metric="accuracy on the shifted test pairs, of a reward learned from 4,000 pairs",
    smallest=0.01,
    without=({"reward": "implicit"},),
    with_=({"reward": "explicit"},),
)


def measure(lab: Lab, settings: Settings) -> float:
    """Return the share of shifted test pairs that a reward orders as annotators did; a tie counts half."""
    rows = [row for row in worlds.pairs(lab, "test") if row.get("slice") == "shifted"]
    said = [row["prompt"] + row[side] for side in ("chosen", "rejected") for row in rows]
    chosen, rejected = reward(lab, settings["reward"], said).split(len(rows))
    return float(((chosen > rejected).float() + (chosen == rejected).float() / 2).mean())


def reward(lab: Lab, kind: str, said: list[list[dict[str, str]]]) -> torch.Tensor:
    """Return the reward of each conversation by the trained reward model or by the policy, [N]."""
    if kind == "implicit":
        return load_implicit(direct.policy(lab), trunks.trunk(lab), float(direct.SETTINGS["beta"])).score(said)
    from rlhf_pipeline.scoring import score

    return score(members.load(members.member(lab, "a", num_pairs=direct.NUM_PAIRS)), said)
