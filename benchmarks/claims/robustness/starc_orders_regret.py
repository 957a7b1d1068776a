"""Which distance to gold, on labelled pairs, orders reward models as the gold that is lost by optimising them does."""

import numpy as np
from scipy.stats import spearmanr

from benchmarks.claims import Claim, Settings
from benchmarks.claims.lab import Lab
from benchmarks.claims.parts import ensembles, joining, samples, worlds
from rlhf_pipeline.records import text
from rlhf_pipeline.validation.checks._starc import Floats, starc_distance

CLAIM = Claim(
    method="validation/checks/starc_distance",
    paper="Skalse et al. 2023, arXiv:2309.15257",
    says="a distance that leaves out what no policy sees orders rewards by regret better than the raw difference does",
    metric="rank correlation, over twelve reward models, of the distance with the gold that the best of 64 lacks",
    smallest=0.1,
    without=({"distance": "mse"},),
    with_=({"distance": "starc"},),
)


def measure(lab: Lab, settings: Settings) -> float:
    """Return the rank correlation of distance and regret over the world's strong, fair and weak members."""
    models = [*ensembles.strong(lab), *ensembles.fair(lab), *ensembles.weak(lab)]
    drawn = samples.draw(lab)
    gold = samples.gold(lab, drawn)
    regret = [-joining.gold_of_best(one, gold) for one in samples.rewards(lab, models, drawn)]
    rewards = np.concatenate([side.double().numpy() for side in samples.pair_rewards(lab, models, "test")], axis=1)
    truth, groups = known(lab)
    distance = {"starc": starc_distance, "mse": mse}[settings["distance"]]
    return float(spearmanr([distance(one, truth, groups) for one in rewards], regret).statistic)


def known(lab: Lab) -> tuple[Floats, list[str]]:
    """Return the gold of every side of the test pairs, the chosen ones first, and the prompt of each."""
    world, rows = worlds.world(lab), worlds.pairs(lab, "test")
    sides = [(text(row["prompt"]), text(row[side])) for side in ("chosen", "rejected") for row in rows]
    return np.array([world.gold(*side).total for side in sides]), [prompt for prompt, _ in sides]


def mse(rewards: Floats, truth: Floats, groups: list[str]) -> float:
    """Return the mean squared difference of the raw rewards from gold."""
    return float(((rewards - truth) ** 2).mean())
