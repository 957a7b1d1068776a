"""Members: reward models trained on the world's pairs, as `rewards` makes them."""

from pathlib import Path
from typing import Any

from benchmarks.claims.lab import Lab
from benchmarks.claims.parts import trunks, worlds
from rlhf_pipeline import methods
from rlhf_pipeline.params import load_params
from rlhf_pipeline.scoring import RewardModel, load_reward_model

CODE = (*trunks.CODE, "rewards/training.py")


def member(
    lab: Lab,
    name: str,
    trunk: str = "first",
    num_pairs: int | None = None,
    objective: str = "bradley_terry",
    objective_settings: dict[str, Any] | None = None,
    **settings: Any,
) -> Path:
    """Return the folder of a reward model.

    Args:
        lab: whose world and data.
        name: another name is another seed of the training.
        trunk: a name of `trunks.trunk`.
        num_pairs: the first so many train pairs; all where None.
        objective: of `rewards/objectives`.
        objective_settings: of the objective.
        settings: of the training, over those of params.yaml.
    """
    effective = {**load_params().rewards.settings, **settings}
    loss = objective_settings or {}
    start = trunks.trunk(lab, trunk)

    def make(folder: Path) -> None:
        from rlhf_pipeline.rewards.training import Params, train

        method = methods.load("rewards/objectives", objective)
        params = methods.settings(method, loss)
        rows = worlds.pairs(lab, "train")[:num_pairs]
        held_out = worlds.pairs(lab, "validation")
        train(start, rows, held_out, Params(**effective), method, params, lab.derive("rewards", name), folder)

    code = (*CODE, f"rewards/objectives/{objective}.py")
    chosen = {"objective": objective, "objective_settings": loss, "num_pairs": num_pairs}
    return lab.part("members", make, code, name=name, trunk=start.name, settings=effective, **chosen)


def load(folder: Path) -> RewardModel:
    """Return a member ready to score."""
    return load_reward_model(folder)
