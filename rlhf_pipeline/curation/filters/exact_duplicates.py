"""Drop all but the first of rows that say the same: prompt, chosen, rejected and annotator.

Votes of several annotators on one item are no duplicates.
"""

from rlhf_pipeline.curation import identity
from rlhf_pipeline.curation.filters import Filtered, sift
from rlhf_pipeline.methods import MethodParams
from rlhf_pipeline.records import Row


class Params(MethodParams):
    """Nothing to set."""


def apply(rows: list[Row], params: Params) -> Filtered:
    """Keep the first row of each judgement."""
    firsts = dict(identity.duplicates(rows))
    return sift(rows, lambda place, _: f"copy: of {firsts[place]['id']}" if place in firsts else None)
