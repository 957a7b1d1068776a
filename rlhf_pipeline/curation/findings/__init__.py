"""What a person should know of data before it trains anything, by row. The contract judges; a finding only tells.

Nothing here looks at a file's name: each finding is a measure of the rows, told where it passes its threshold.
"""

from collections.abc import Callable, Iterator

from rlhf_pipeline.curation.curate import Curated
from rlhf_pipeline.curation.findings.counts import COUNTS, few_pairs
from rlhf_pipeline.curation.findings.estimates import ESTIMATES
from rlhf_pipeline.curation.findings.finding import Finding, RawByFile

__all__ = ["Finding", "RawByFile", "find"]

Measure = Callable[[RawByFile], Iterator[Finding]]
MEASURES: tuple[Measure, ...] = (*COUNTS, *ESTIMATES)


def find(curated: Curated, raw_by_file: RawByFile) -> list[Finding]:
    """Return what was found in data as read (per file) and as curated."""
    found = [finding for measure in MEASURES for finding in measure(raw_by_file)]
    return [*found, *few_pairs(curated)]
