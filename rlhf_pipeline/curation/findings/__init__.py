"""What a person should know of data before it trains anything, by row. The contract judges; a finding only tells.

Nothing here looks at a file's name: each finding is a measure of the rows. A count is told wherever there is one. An
estimate is told where it passes its threshold and chance does not explain it, however many estimates were made.
"""

from collections.abc import Callable, Iterator, Sequence

from rlhf_pipeline.curation.curate import Curated
from rlhf_pipeline.curation.findings.counts import COUNTS, few_pairs
from rlhf_pipeline.curation.findings.estimates import ESTIMATES
from rlhf_pipeline.curation.findings.finding import LEVEL, Finding, RawByFile

__all__ = ["Finding", "RawByFile", "estimate", "find"]

Measure = Callable[[RawByFile], Iterator[Finding]]


def find(curated: Curated, raw_by_file: RawByFile) -> list[Finding]:
    """Return what was found in data as read (per file) and as curated."""
    return [*_measure(COUNTS, raw_by_file), *estimate(raw_by_file), *few_pairs(curated)]


def estimate(raw_by_file: RawByFile) -> list[Finding]:
    """Return the estimates that chance does not explain.

    Each of n estimates is allowed the n-th part of the level: Bonferroni's correction.
    """
    made = _measure(ESTIMATES, raw_by_file)
    return [finding for finding in made if finding.chance is not None and finding.chance * len(made) <= LEVEL]


def _measure(measures: Sequence[Measure], raw_by_file: RawByFile) -> list[Finding]:
    return [finding for measure in measures for finding in measure(raw_by_file)]
