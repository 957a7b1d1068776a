"""Labels asked for where members disagree, against twice as many at random.

`negligible` is the answer that the method hopes for: half the labels, the same accuracy. `reversed` says that twice as
many at random teach more, and `holds` that half of them, chosen, are better still.
"""

from benchmarks.claims import Claim, Settings
from benchmarks.claims.lab import Lab
from benchmarks.claims.parts import pupils

CLAIM = Claim(
    method="validation/teaching",
    paper="Houlsby et al. 2011, arXiv:1112.5745",
    says="half the labels, asked for where members disagree, teach as much or more (as much: the verdict negligible)",
    metric="accuracy by gold on other prompts, after 1,000 labels at random and 1,000 chosen; without: 2,000 at random",
    smallest=0.005,
    without=({"choice": "random", "times": 2},),
    with_=({"choice": "chosen", "times": 1},),
)


def measure(lab: Lab, settings: Settings) -> float:
    """Return the accuracy of members trained on `times` as many labels again."""
    return pupils.accuracy(lab, settings["choice"], settings["times"] * pupils.num_labelled(lab))
