"""Audits of a world's held-out pairs."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch

from benchmarks.claims.lab import Lab
from benchmarks.claims.parts import members, samples, worlds
from benchmarks.defects import Subject
from rlhf_pipeline import recorded
from rlhf_pipeline.params import Validation
from rlhf_pipeline.records import hash_text
from rlhf_pipeline.validation import audit
from rlhf_pipeline.validation.ensemble import Ensemble
from rlhf_pipeline.validation.items import Inputs
from rlhf_pipeline.validation.members import refuse_constant, refuse_not_finite


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


def of_subject(
    planned: audit.Plan, subject: Subject, names: Sequence[str], section: Validation, seed: int
) -> audit.Results:
    """Return what each check finds; the steps are those of the stage `validation`.

    Raises:
        EnsembleError: a member's rewards are not finite, or all the same.
        CheckpointError: members give other rewards than when they were saved.
    """
    raw = subject.raw
    recorded.refuse("the members", subject.change)
    refuse_not_finite(names, raw)
    refuse_constant(names, raw)
    statistics = audit.scale_members(planned, raw if subject.scaled_by is None else subject.scaled_by)
    voices: Any = {name: SimpleNamespace(num_heads=1) for name in names}
    joined = Ensemble(voices, statistics, section.normalisation, section.aggregator, section.aggregator_settings)
    ensemble = audit.calibrate(planned, audit.fit_aggregator(planned, joined, raw), raw)
    return audit.run_checks(planned, ensemble, None, raw, seed, subject.testimony)
