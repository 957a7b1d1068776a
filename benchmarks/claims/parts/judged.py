"""What an audit finds of judges that are made up from gold, see benchmarks/simulated_judges.py."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch

from benchmarks import simulated_judges
from benchmarks.claims.lab import Lab
from benchmarks.claims.parts import audits, worlds
from benchmarks.defects import Subject
from rlhf_pipeline.params import load_params
from rlhf_pipeline.records import derive_seed
from rlhf_pipeline.validation import audit
from rlhf_pipeline.validation.items import Inputs


def plan(lab: Lab, checks: Sequence[str], settings: Mapping[str, Any], inputs: Inputs | None = None) -> audit.Plan:
    """Return the audit of a world's held-out rows, or of others, by some checks."""
    return audit.plan(inputs or audits.inputs(lab), checks, settings)


def judge(
    lab: Lab, planned: audit.Plan, name: str = "judge", error: float = simulated_judges.ERROR, bias: float = 0.0
) -> Subject:
    """Return a judge of a plan's texts.

    Args:
        lab: whose gold it sees.
        planned: what it is asked.
        name: another name errs otherwise.
        error: of its view of a completion and of each comparison, in spreads of gold.
        bias: what it adds to the completion that stands first, in spreads of gold.
    """
    seed = derive_seed(lab.derive("judged"), name)
    worth = simulated_judges.worth(worlds.world(lab), planned.table)
    noise = torch.randn(len(worth), generator=torch.Generator().manual_seed(derive_seed(seed, "seen")))
    seen = worth + error * noise
    return simulated_judges.testify(seen, simulated_judges.compare(seen, planned.table, seed, bias, error))


def findings(lab: Lab, planned: audit.Plan, subject: Subject) -> dict[str, float]:
    """Return every value that an audit of one judge finds."""
    section = load_params().validation
    return audit.metrics(audits.of_subject(planned, subject, ["judge"], section, lab.derive("judged")))
