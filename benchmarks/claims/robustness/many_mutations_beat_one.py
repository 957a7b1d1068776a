"""An archive of attacks by the best of several mutations against one by single mutations, at equal calls.

What counts are cells whose best text succeeds, which falls with the archive's coverage as with its success rate. A call
is a completion that the audited reward scores, as each mutation's is in the paper; so the single mutations have more
rounds.
"""

import math

from benchmarks.claims import Claim, Settings
from benchmarks.claims.lab import Lab
from benchmarks.claims.parts import searched

CLAIM = Claim(
    method="validation/searches/quality_diversity_red_team",
    paper="Pala et al. 2024, arXiv:2408.10701",
    says="ranking several mutations by a reward finds more attacks than single mutations do",
    metric="log of the number of cells whose best text a member prefers to the chosen side against gold; equal calls",
    smallest=math.log(1.2),
    without=({"mutations": 1},),
    with_=({"mutations": 8},),
)
CALLS_PER_PROMPT = 10
LONGEST = 80  # words: with a prompt they fit the context of the world's models


def measure(lab: Lab, settings: Settings) -> float:
    """Return the log of the number of cells won, half a cell added."""
    calls = CALLS_PER_PROMPT * lab.size.num_prompts
    chosen = {"num_calls": calls, "max_words": LONGEST, "compare": False, **settings}
    archive, _ = searched.of_member(lab, "quality_diversity_red_team", **chosen)
    return math.log(archive.num_found + 0.5)
