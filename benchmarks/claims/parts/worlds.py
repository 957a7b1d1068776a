"""The world of a seed and what was drawn from it, with the settings of params.yaml."""

from functools import lru_cache
from pathlib import Path

from benchmarks.claims.lab import Lab
from rlhf_pipeline.curation.sources import Inputs, Raw
from rlhf_pipeline.curation.sources.simulated import Params, read
from rlhf_pipeline.params import load_params
from rlhf_pipeline.records import Row
from rlhf_pipeline.simulation.world import World


@lru_cache(maxsize=1)
def draw(lab: Lab) -> Raw:
    """Return everything that the built-in source draws from the lab's seed."""
    sizes = {
        "num_train": lab.size.num_train,
        "num_evaluator": lab.size.num_train,
        "num_demonstrations": lab.size.num_demonstrations,
        "num_evaluation_prompts": lab.size.num_prompts,
    }
    params = Params(**{**load_params().curation.settings, **sizes})
    return read(Inputs(Path("data/raw"), Path("data/raw"), lab.derive("world")), params)


def world(lab: Lab) -> World:
    """Return the world itself: gold, annotators, writers."""
    return World.from_json(draw(lab).gold["world"])


def pairs(lab: Lab, split: str) -> list[Row]:
    """Return the pairs of a split: train, validation, test or evaluator."""
    return [row for row in draw(lab).pairs if row["split"] == split]
