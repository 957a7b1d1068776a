"""Policies with and without a KL term: of which the divergence from the reference is seen to come to rest."""

import csv

from benchmarks.claims import Claim, Settings
from benchmarks.claims.lab import Lab
from benchmarks.claims.parts import ensembles, policies
from rlhf_pipeline.validation.monitors.kl_drift_monitor import kl_drift

CLAIM = Claim(
    method="validation/monitors/kl_drift_monitor",
    paper="Dongre et al. 2025, arXiv:2510.07777",
    says="drift comes to rest where something brings it back, and runs away where nothing does",
    metric="share of policies whose KL over a night's steps is shown to come to rest; without: no KL term",
    smallest=0.5,
    without=({"beta": 0.0},),
    with_=({},),
)


def measure(lab: Lab, settings: Settings) -> float:
    """Return 1 where the KL of a policy's steps is shown to come to rest, else 0."""
    folder = policies.policy(lab, ensembles.strong(lab), **settings)
    with open(folder / policies.TRAJECTORY, encoding="utf-8", newline="") as file:
        series = [float(row["kl"]) for row in csv.DictReader(file)]
    return float(kl_drift(series).is_equilibrating)
