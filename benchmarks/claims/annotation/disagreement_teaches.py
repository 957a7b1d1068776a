"""Labels asked for where members disagree, against as many at random."""

from benchmarks.claims import Claim, Settings
from benchmarks.claims.lab import Lab
from benchmarks.claims.parts import pupils

CLAIM = Claim(
    method="validation/teaching",
    paper="Houlsby et al. 2011, arXiv:1112.5745",
    says="a label that is asked for where members disagree teaches more than one at random",
    metric="accuracy by gold on other prompts, after 1,000 random labels and 1,000 more; mean of three members",
    smallest=0.005,
    without=({"choice": "random"},),
    with_=({"choice": "chosen"},),
)


def measure(lab: Lab, settings: Settings) -> float:
    """Return the accuracy of members trained on as many labels again."""
    return pupils.accuracy(lab, settings["choice"], pupils.num_labelled(lab))
