"""Drop all rows of an item that one annotator, or a source without annotators, judged both ways.

Opposite votes of different named annotators are disagreement, not contradiction, and stay.
"""

from rlhf_pipeline.curation import identity
from rlhf_pipeline.curation.filters import Filtered, sift
from rlhf_pipeline.methods import MethodParams
from rlhf_pipeline.records import Row


class Params(MethodParams):
    """Nothing to set."""


def apply(rows: list[Row], params: Params) -> Filtered:
    """Drop every row that takes part in a contradiction."""
    sizes = {place: len(places) for places in identity.contradictions(rows) for place in places}
    return sift(rows, lambda place, _: f"judged both ways: {sizes[place]} rows" if place in sizes else None)
