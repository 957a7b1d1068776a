"""A policy whose rewards are turned round for two of five prompts at every step, against one whose rewards are not."""

from benchmarks.claims import Claim, Settings
from benchmarks.claims.lab import Lab
from benchmarks.claims.parts import ensembles, policies, samples

SHAPING = {"reward_noise_injection": {"flip_probability": 0.4, "lowest": -1.0, "highest": 1.0}}
"""The ensemble's rewards are normalised, so they are turned round about 0."""

CLAIM = Claim(
    method="policy/shaping/reward_noise_injection",
    paper="Lv et al. 2025, arXiv:2505.22653",
    says="with 40 % of the rewards turned round a policy gains nearly what it gains without: 67 points of 70",
    metric="share of the gain in gold that is left with 40 % of the prompts' rewards turned round, less a half",
    smallest=0.1,
    without=(),
    with_=({},),
)


def measure(lab: Lab, settings: Settings) -> float:
    """Return by how much more than half of the gain is left."""
    models, start = ensembles.strong(lab), float(samples.gold(lab, samples.draw(lab)).mean())
    plain, noisy = (policies.gold_after(lab, models, shaping=shaping) for shaping in (None, SHAPING))
    return (noisy - start) / (plain - start) - 0.5
