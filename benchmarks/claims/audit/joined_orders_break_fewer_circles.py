"""The same judge's comparisons among each other: how many triples contradict themselves, joined or plain."""

from benchmarks.claims import Claim, Settings
from benchmarks.claims.audit import expected_grades_contradict_less
from benchmarks.claims.lab import Lab

CLAIM = Claim(
    method="validation/checks/judge_consistency",
    paper="Wang et al. 2025, arXiv:2509.21117",
    says="the probabilities of both orders summed contradict each other less often than verdicts that must agree",
    metric="share of three completions whose comparisons contradict each other, NTR_3, of a judge with a bias",
    smallest=0.05,
    without=({"finding": "ntr_3_plain/ensemble"},),
    with_=({"finding": "ntr_3/ensemble"},),
    higher_is_better=False,
)


def measure(lab: Lab, settings: Settings) -> float:
    """Return NTR_3."""
    return expected_grades_contradict_less.measure(lab, settings)
