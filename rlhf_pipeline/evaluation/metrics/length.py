"""How long completions are, and how many are cut off or empty."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rlhf_pipeline.policy.sampling import Sample


def completion_tokens(samples: Sequence[Sample]) -> float:
    """Return the mean number of tokens of one prompt's samples."""
    return sum(len(sample.completion_ids) for sample in samples) / len(samples)


def truncated_fraction(samples: Sequence[Sample]) -> float:
    """Return the share of one prompt's samples that ended at the length limit rather than with an end token."""
    return sum(sample.is_truncated for sample in samples) / len(samples)


def empty_fraction(samples: Sequence[Sample]) -> float:
    """Return the share of one prompt's samples with no words at all."""
    return sum(not sample.text.strip() for sample in samples) / len(samples)
