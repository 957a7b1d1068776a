"""Whether members trained apart disagree where they are wrong more than heads on one trunk do.

Where the verdict is `negligible`, heads mark error as well as members at a quarter of the cost.
"""

import statistics

from benchmarks.claims import Claim, Settings
from benchmarks.claims.lab import Lab
from benchmarks.claims.parts import ensembles, samples, voices

CLAIM = Claim(
    method="rewards/resampling",
    paper="Gleave and Irving 2022, arXiv:2203.07472, of members that share a pretrained model",
    says="heads that share a trunk share its errors: their disagreement tells less than that of members trained apart",
    metric="rank correlation within the prompt of spread and the mean's distance from gold; four heads or four members",
    smallest=0.1,
    without=({"apart": False},),
    with_=({"apart": True},),
)
NAMES = ("a", "b")  # of the night's members: one on each trunk


def measure(lab: Lab, settings: Settings) -> float:
    """Return the correlation of four members, or of four heads averaged over a member on each trunk."""
    drawn = samples.draw(lab)
    gold = samples.gold(lab, drawn)
    if settings["apart"]:
        return voices.error_rank(samples.rewards(lab, ensembles.strong(lab), drawn), gold)
    trained = [voices.member(lab, name, heads=4) for name in NAMES]
    return statistics.mean(voices.error_rank(voices.rewards(lab, one, drawn), gold) for one in trained)
