"""Audits of a world's held-out pairs."""

from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.claims.lab import Lab
from benchmarks.claims.parts import worlds
from rlhf_pipeline.validation import audit
from rlhf_pipeline.validation.items import Inputs


def inputs(lab: Lab) -> Inputs:
    """Return the held-out rows of a world."""
    raw = worlds.draw(lab)
    test, validation = (worlds.pairs(lab, name) for name in ("test", "validation"))
    return Inputs(
        test=test,
        validation=validation,
        contrast=raw.contrast,
        single_edits=raw.single_edits,
        demonstrations=raw.demonstrations,
    )


def plan(lab: Lab, checks: Sequence[str], settings: Mapping[str, Mapping[str, Any]]) -> audit.Plan:
    """Return the audit of a world's held-out rows by some checks."""
    return audit.plan(inputs(lab), checks, settings)
