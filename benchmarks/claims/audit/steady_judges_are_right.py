"""Whether judges that keep to their verdict when the sides change places are those that gold agrees with."""

import random

import numpy as np
import torch
from scipy.stats import spearmanr

from benchmarks import simulated_judges
from benchmarks.claims import Claim, Settings
from benchmarks.claims.lab import Lab
from benchmarks.claims.parts import judged, worlds

NUM_JUDGES = 16
ERRORS, BIASES = (0.1, 1.5), (0.0, 1.0)
"""Ranges of what the judges differ in, in spreads of gold; drawn apart from each other."""

CLAIM = Claim(
    method="validation/checks/judge_consistency_sage",
    paper="Are We on the Right Way to Assessing LLM-as-a-Judge?, arXiv:2512.16041",
    says="consistency, which needs no labels, ranks judges as benchmarks with labels do",
    metric="rank correlation, over 16 judges, of the stable share of pairs and the accuracy by gold over both orders",
    smallest=0.5,
    without=(),
    with_=({},),
)


def measure(lab: Lab, settings: Settings) -> float:
    """Return the rank correlation of stability and accuracy."""
    planned, rng = judged.plan(lab, ["judge_consistency_sage"], {}), random.Random(lab.derive("judges"))
    gold = simulated_judges.worth(worlds.world(lab), planned.table)
    pairs = torch.tensor(list(planned.table.asked))
    is_first = gold[pairs[:, 0]] > gold[pairs[:, 1]]
    stable, right = [], []
    for number in range(NUM_JUDGES):
        error, bias = rng.uniform(*ERRORS), rng.uniform(*BIASES)
        judge = judged.judge(lab, planned, f"judge {number}", error, bias)
        stable.append(-judged.findings(lab, planned, judge)["order_swap_instability/ensemble"])
        assert judge.testimony
        assert judge.testimony.comparisons
        asked = judge.testimony.comparisons.probabilities.view(-1, 2, 3)  # in one order the better mostly stands first
        won = torch.stack([asked[:, 0, 0] > asked[:, 0, 2], asked[:, 1, 2] > asked[:, 1, 0]])
        right.append(float((won == is_first).float().mean()))
    return float(np.nan_to_num(spearmanr(stable, right).statistic))
