"""Members trained on as many pairs of the same world, but drawn or labelled otherwise."""

from collections.abc import Callable, Mapping
from pathlib import Path

from benchmarks.claims.lab import Lab
from benchmarks.claims.parts import ensembles, members, trunks, worlds
from rlhf_pipeline import methods
from rlhf_pipeline.params import load_params
from rlhf_pipeline.records import Row
from rlhf_pipeline.simulation.pairs import draw_pairs
from rlhf_pipeline.simulation.world import World, WorldParams


def as_ranked(lab: Lab) -> list[Row]:
    """Return train pairs as annotators ranked them."""
    return worlds.pairs(lab, "train")


def as_rated(lab: Lab) -> list[Row]:
    """Return the same pairs in the order of their ratings; those rated equal are left out."""
    turned = {"chosen": "rejected", "rejected": "chosen"}
    rows = []
    for row in as_ranked(lab):
        lead = row["chosen_rating"] - row["rejected_rating"]
        if lead:
            rows.append(row if lead > 0 else {**row, **{side: row[other] for side, other in turned.items()}})
    return rows


def without_degenerate(lab: Lab) -> list[Row]:
    """Return other pairs of the same writers and annotators, none with a side cut off, shuffled or beside the point."""
    told = worlds.world(lab).to_json()
    params = WorldParams(**{**told["params"], "degenerate_fraction": 0.0})
    return draw_pairs(World(told["seed"], params), ensembles.FAIR_PAIRS, "train")


KINDS: Mapping[str, Callable[[Lab], list[Row]]] = {
    "as ranked": as_ranked, "as rated": as_rated, "without degenerate": without_degenerate,
}  # fmt: skip


def member(lab: Lab, kind: str, num_pairs: int = ensembles.FAIR_PAIRS) -> Path:
    """Return the folder of a reward model trained on the first so many pairs of a kind."""
    settings, start = load_params().rewards.settings, trunks.trunk(lab)

    def make(folder: Path) -> None:
        from rlhf_pipeline.rewards.training import Params, train

        rows, held_out = KINDS[kind](lab)[:num_pairs], worlds.pairs(lab, "validation")
        objective = methods.load("rewards/objectives", "bradley_terry")
        seed = lab.derive("rewards", "relabelled")
        train(start, rows, held_out, Params(**settings), objective, methods.settings(objective), seed, folder)

    code = (*members.CODE, "rewards/objectives/bradley_terry.py")
    what = {"labels": kind, "num_pairs": num_pairs, "trunk": start.name, "settings": settings}
    return lab.part("members", make, code, name="relabelled", **what)
