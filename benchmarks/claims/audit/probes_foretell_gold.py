"""Whether reward models whose representations hold more of what is worth something give more gold."""

from dataclasses import replace
from statistics import fmean

import numpy as np
from scipy.stats import spearmanr

from benchmarks.claims import Claim, Settings
from benchmarks.claims.lab import Lab
from benchmarks.claims.parts import audits, ensembles, joining, samples, worlds
from rlhf_pipeline.records import Row, text
from rlhf_pipeline.simulation.prompts import parse
from rlhf_pipeline.validation import audit

ATTRIBUTES = ("vividness", "fluency", "repetition", "met")
"""Of gold, those that every prompt has; `met` is the mean of the slots that one asks for."""
CHECK = "rm_dimension_probe"

CLAIM = Claim(
    method="validation/checks/rm_dimension_probe",
    paper="Wang et al. 2025, arXiv:2511.12464",
    says="how well probes read the dimensions of preference correlates with what training on the reward gives",
    metric="rank correlation, over twelve reward models, of the mean probe accuracy with gold of the best of 64",
    smallest=0.3,
    without=(),
    with_=({},),
)


def measure(lab: Lab, settings: Settings) -> float:
    """Return the rank correlation of probe accuracy and gold over the world's strong, fair and weak members."""
    models = [*ensembles.strong(lab), *ensembles.fair(lab), *ensembles.weak(lab)]
    drawn = samples.draw(lab)
    gold = samples.gold(lab, drawn)
    gained = [joining.gold_of_best(one, gold) for one in samples.rewards(lab, models, drawn)]
    inputs = audits.inputs(lab)
    inputs = replace(inputs, test=[described(lab, row) for row in inputs.test])
    planned = audit.plan(inputs, [CHECK], {CHECK: {"columns": ATTRIBUTES, "computed": ()}})
    read = [audits.of_models(lab, planned, [model]) for model in models]
    known = [fmean(own[f"probe_{name}/0"] for name in ATTRIBUTES if f"probe_{name}/0" in own) for own in read]
    return float(np.nan_to_num(spearmanr(known, gained).statistic))


def described(lab: Lab, row: Row) -> Row:
    """Return a pair with the attributes of each side as numbers."""
    world, prompt = worlds.world(lab), text(row["prompt"])
    asked = [slot for slot, _ in parse(prompt).asked]
    told: dict[str, float] = {}
    for side in ("chosen", "rejected"):
        found = world.gold(prompt, text(row[side])).attributes
        found["met"] = fmean(found[slot] for slot in asked) if asked else 1.0
        told |= {f"{side}_{name}": found[name] for name in ATTRIBUTES}
    return {**row, **told}
