"""Audits of a world's held-out pairs."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from benchmarks.claims.lab import Lab
from benchmarks.claims.parts import members, samples, worlds
from rlhf_pipeline.records import hash_text
from rlhf_pipeline.validation import audit
from rlhf_pipeline.validation.ensemble import Ensemble
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


def of_models(lab: Lab, planned: audit.Plan, models: Sequence[Path]) -> dict[str, float]:
    """Return every value that an audit of reward models finds: the mean of members called 0, 1 and so on."""
    asked = planned.table.conversations
    raw = torch.stack([samples.score(lab, one, f"audit: {hash_text(json.dumps(asked))}", asked) for one in models])
    loaded = {str(number): members.load(one) for number, one in enumerate(models)}
    ensemble = Ensemble(loaded, audit.scale_members(planned, raw))
    return audit.metrics(audit.run_checks(planned, ensemble, None, raw, lab.derive("audit")))
