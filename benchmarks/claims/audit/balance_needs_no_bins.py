"""The Balance score against the calibration error in ten bins, on 200 labels: which orders models as the truth does.

The probability that a side is preferred is known here; the models differ in how sure they are of one order.
"""

import numpy as np
import torch
from scipy.stats import spearmanr

from benchmarks.claims import Claim, Settings
from benchmarks.claims.lab import Lab
from benchmarks.claims.parts import ensembles, samples, worlds
from rlhf_pipeline.records import text
from rlhf_pipeline.validation.checks.calibration import Floats, balance_scores, calibration_error, fit_temperature

NUM_LABELS, NUM_BINS = 200, 10
NUM_TRUE_BINS = 20
"""Of equally many pairs, in which the known probabilities give the true error."""
SCALES = np.geomspace(0.2, 5.0, 20)
"""Of the margin, in units of the one at which a model is as sure as it may be."""

CLAIM = Claim(
    method="validation/checks/calibration",
    paper="Choi, Kim and Lee 2023, arXiv:2309.06248",
    says="the Balance score approximates the true calibration error, unlike the error in bins",
    metric="rank correlation over 20 degrees of sureness with the true calibration error; 200 labels each",
    smallest=0.05,
    without=({"measure": "ece"},),
    with_=({"measure": "balance"},),
)


def measure(lab: Lab, settings: Settings) -> float:
    """Return the rank correlation of a measure with the truth, over models that are more or less sure."""
    chosen, rejected = (
        side[0].double().numpy() for side in samples.pair_rewards(lab, ensembles.strong(lab)[:1], "test")
    )
    margin = np.abs(chosen - rejected)
    is_chosen = known(lab)
    right = np.where(chosen > rejected, is_chosen, 1 - is_chosen)
    rng = np.random.default_rng(lab.derive("labels"))
    margin /= fit_temperature(np.where(rng.random(len(right)) < right, margin, -margin))
    drawn = rng.choice(len(margin), min(NUM_LABELS, len(margin)), replace=False)
    labels = (rng.random(len(drawn)) < right[drawn]).astype(float)
    found, truth = [], []
    for scale in SCALES:
        sure = torch.from_numpy(scale * margin).sigmoid().numpy()
        truth.append(true_error(right, sure))
        found.append(MEASURES[settings["measure"]](labels, sure[drawn]))
    return float(spearmanr(found, truth).statistic)


def true_error(right: Floats, sure: Floats) -> float:
    """Return the expected calibration error, of [N] known probabilities to be right and [N] confidences."""
    gaps = (right - sure)[np.argsort(sure, kind="stable")]
    return float(sum(abs(part.sum()) for part in np.array_split(gaps, NUM_TRUE_BINS)) / len(gaps))


def known(lab: Lab) -> Floats:
    """Return the probability that an annotator without a fault prefers the chosen side of each test pair, [N]."""
    world = worlds.world(lab)
    rows = [(text(row["prompt"]), text(row["chosen"]), text(row["rejected"])) for row in worlds.pairs(lab, "test")]
    lead = [world.gold(prompt, first).total - world.gold(prompt, second).total for prompt, first, second in rows]
    return torch.tensor(lead, dtype=torch.double).div(world.params.temperature).sigmoid().numpy()


def _balance(labels: Floats, sure: Floats) -> float:
    return abs(float(balance_scores(labels, sure).mean()))


def _ece(labels: Floats, sure: Floats) -> float:
    bins = np.minimum(((sure - 0.5) * 2 * NUM_BINS).astype(int), NUM_BINS - 1)
    return float(calibration_error(sure - labels, bins, [str(place) for place in range(len(sure))], 0).value or 0.0)


MEASURES = {"balance": _balance, "ece": _ece}
