"""Of two reward models that are equally accurate, whether optimising the more consistent one gives more gold.

The models are those of `benchmarks/predicts.py`: eight of a world as trained, and each with two faults planted on its
scores. The best of 64 samples stands in for a policy.
"""

from collections.abc import Sequence
from functools import lru_cache
from itertools import combinations

from benchmarks import predicts
from benchmarks.claims import Claim, Settings
from benchmarks.claims.lab import Lab

ACCURACY = "accuracy/ensemble"
EQUAL = 0.01
"""Difference of accuracy on test pairs below which two models count as equally accurate."""

CLAIM = Claim(
    method="validation/checks/contrast",
    paper="Shen et al. 2023, arXiv:2309.16155",
    says="a reward model that is more consistent gives a better policy: consistency trickles down",
    metric="share of pairs of equally accurate models in which the more consistent one gives more gold, less a half",
    smallest=0.1,
    without=(),
    with_=({"finding": "contrast_consistency/ensemble"}, {"finding": "instruction_consistency/ensemble"}),
)


def measure(lab: Lab, settings: Settings) -> float:
    """Return by how much the more consistent of two equally accurate models wins more often than chance."""
    return lead(rows(lab), settings["finding"])


@lru_cache(maxsize=1)
def rows(lab: Lab) -> list[predicts.Row]:
    """Return the audited models of a world, with what optimising each gives."""
    return predicts.measure_seed(lab.seed, lab.size, lab.root)


def lead(models: Sequence[predicts.Row], finding: str) -> float:
    """Return the share of pairs of equally accurate models won by the one with more of a finding, less a half."""
    won = []
    for first, second in combinations(models, 2):
        more = first["found"][finding] - second["found"][finding]
        if more and abs(first["found"][ACCURACY] - second["found"][ACCURACY]) < EQUAL:
            gained = (first[predicts.BEST] - second[predicts.BEST]) * (1 if more > 0 else -1)
            won.append((gained > 0) + (gained == 0) / 2)
    return sum(won) / len(won) - 0.5 if won else 0.0
