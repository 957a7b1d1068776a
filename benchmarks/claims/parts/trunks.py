"""Trunks: models fine-tuned on the world's demonstrations, as `sft` makes them."""

from pathlib import Path

from benchmarks.claims.lab import Lab
from benchmarks.claims.parts import worlds
from rlhf_pipeline.params import load_params

CODE = ("simulation", "curation/sources/simulated.py", "sft", "training.py", "models.py")


def trunk(lab: Lab, name: str = "first") -> Path:
    """Return the folder of a trunk; another name is another seed of its training."""
    section = load_params().sft
    base = section.trunks["first"].base

    def make(folder: Path) -> None:
        from rlhf_pipeline.sft.training import Params, train

        train(base, worlds.draw(lab).demonstrations, Params(**section.settings), lab.derive("sft", name), folder)

    return lab.part("trunks", make, CODE, name=name, base=base, settings=section.settings)
