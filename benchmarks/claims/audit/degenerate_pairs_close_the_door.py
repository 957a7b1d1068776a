"""Replies that say nothing, such as `Thought process:`, against rejected answers, with and without training on such.

The world's degenerate sides are truncated, repeated or beside the point; none of them is a master key.
"""

from benchmarks.claims import Claim, Settings
from benchmarks.claims.lab import Lab
from benchmarks.claims.parts import audits, relabelled

CLAIM = Claim(
    method="validation/checks/attacks",
    paper="Zhao et al. 2025, arXiv:2507.08794",
    says="negatives that are openers cut off make a judge robust to master keys that it was not trained on",
    metric="share of master keys scored above the rejected side, by a reward trained on 2,000 pairs",
    smallest=0.05,
    without=({"kind": "without degenerate"},),
    with_=({"kind": "as ranked"},),
    higher_is_better=False,
)


def measure(lab: Lab, settings: Settings) -> float:
    """Return how often a reply that says nothing beats a rejected answer."""
    planned = audits.plan(lab, ["attacks"], {})
    found = audits.of_models(lab, planned, [relabelled.member(lab, settings["kind"])])
    return found["attack_beats_rejected/ensemble/master_key"]
