"""Grades as expectations, and verdicts of both orders joined, against the likeliest grade and verdicts that must agree.

The judge sees gold with an error, prefers what stands first, and grades from 1 to 5.
"""

from benchmarks.claims import Claim, Settings
from benchmarks.claims.lab import Lab
from benchmarks.claims.parts import judged

BIAS = 0.5
"""For what stands first, in spreads of gold."""

CLAIM = Claim(
    method="validation/checks/judge_consistency",
    paper="Wang et al. 2025, arXiv:2509.21117",
    says="expected grades and joined orders make a judge's comparisons contradict its scores less often",
    metric="conflict ratio CR of a judge with a bias for the first place, over five completions of 50 prompts",
    smallest=0.05,
    without=({"finding": "conflict_ratio_plain/ensemble"},),
    with_=({"finding": "conflict_ratio/ensemble"},),
    higher_is_better=False,
)


def measure(lab: Lab, settings: Settings) -> float:
    """Return the share of comparisons that order a pair otherwise than the scores do."""
    planned = judged.plan(lab, ["judge_consistency"], {})
    return judged.findings(lab, planned, judged.judge(lab, planned, bias=BIAS))[settings["finding"]]
