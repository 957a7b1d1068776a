"""Nights whose members are trained anew, of which one learns a bias that grows: whether the index alarms in time.

A night's members say of the same samples what this world's members say, and as much beside it as two fine-tunings of
one trunk differ. The bias is for half the texts.
"""

import numpy as np
from numpy.typing import NDArray

from benchmarks.claims import Claim, Settings
from benchmarks.claims.lab import Lab
from benchmarks.claims.parts import ensembles, joining, samples
from rlhf_pipeline.validation.monitors.stability_index import Night, stability_index

CLAIM = Claim(
    method="validation/monitors/stability_index",
    paper="Rath 2026, arXiv:2601.04170",
    says="an index over windows alarms when behaviour drifts, and stays quiet while it does not",
    metric="share of 20 series that alarm within 3 nights of a bias of one spread less that in 100 nights alike",
    smallest=0.5,
    without=(),
    with_=({},),
)
NUM_SERIES, NUM_TEXTS = 20, 500
QUIET, BEFORE, STEP, IN_TIME = 100, 10, 0.1, 3
"""Nights without drift; nights before the bias begins, its growth a night in spreads, and nights that an alarm has."""
ECE, LENGTH = (0.05, 0.01), (30.0, 1.0)
"""Mean and spread over nights of the calibration error and of the completions' length in tokens."""
Floats = NDArray[np.float64]


def measure(lab: Lab, settings: Settings) -> float:
    """Return the share of timely alarms less the share of false ones."""
    drawn = samples.draw(lab)
    rewards = joining.on_one_scale(samples.rewards(lab, ensembles.strong(lab), drawn)).flatten(1).double().numpy()
    rng = np.random.default_rng(lab.derive("nights"))
    rewards = rewards[:, rng.permutation(rewards.shape[1])[:NUM_TEXTS]]
    timely = quiet = 0
    for _ in range(NUM_SERIES):
        alarm = stability_index(nights(rewards, rng, BEFORE + round(1 / STEP) + 1 + IN_TIME, STEP)).alarm
        timely += alarm is not None and alarm >= BEFORE
        quiet += stability_index(nights(rewards, rng, QUIET)).alarm is None
    return (timely + quiet) / NUM_SERIES - 1


def nights(rewards: Floats, rng: np.random.Generator, count: int, step: float = 0.0) -> list[Night]:
    """Return nights whose first member's bias grows by `step` of its spreads each night after the first ones.

    Args:
        rewards: [K, N] of two trunks in turns, as `ensembles.strong` has them.
        rng: draws what differs from night to night.
        count: of nights.
        step: 0: nothing drifts.
    """
    # Members k and k + 2 are fine-tunings of one trunk: each differs from what they share by half their difference.
    own = np.std(rewards - np.roll(rewards, len(rewards) // 2, axis=0), axis=1, keepdims=True) / np.sqrt(2)
    liked = np.where(rng.permutation(rewards.shape[1]) % 2, 1.0, -1.0) * rewards[0].std()
    series = []
    for number in range(count):
        said = rewards + own * rng.normal(size=rewards.shape)
        said[0] += max(number - BEFORE, 0) * step * liked
        series.append(Night(said, max(rng.normal(*ECE), 0.0), rng.normal(*LENGTH)))
    return series
