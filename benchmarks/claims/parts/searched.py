"""Searches for mishandled texts in a world, counted: of a member with gold as what is trusted, or of a trunk."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from benchmarks.claims.lab import Lab
from benchmarks.claims.parts import members, trunks, worlds
from rlhf_pipeline import methods
from rlhf_pipeline.models import load_policy
from rlhf_pipeline.records import Conversation, Row, read_json, text, write_json, write_rows
from rlhf_pipeline.scoring import score
from rlhf_pipeline.simulation.words import ENDINGS
from rlhf_pipeline.validation.searches import Found, Ground, as_pairs

SEARCHES = "validation/searches"
CODE = (
    *members.CODE, SEARCHES, "validation/edits", "validation/implicit.py", "validation/items.py",
    "validation/normalisation.py", "scoring.py",
)  # fmt: skip
NUM_CHEERING = 600  # pairs: 200 labels, and prompts enough that 50 of them do not cheer of themselves


@dataclass(frozen=True)
class Count:
    """How many were tried, and how many of them are mishandled."""

    num_tried: int
    num_found: int

    @property
    def log_rate(self) -> float:
        """Return the logarithm of the rate, half a find and one trial added, so that none found is a number too."""
        return math.log((self.num_found + 0.5) / (self.num_tried + 1))


def of_member(lab: Lab, name: str, **settings: Any) -> tuple[Count, Count]:
    """Return what a search found in a member's reward of test pairs, verified by gold, and what the plain way did."""
    trunk, member, world = trunks.trunk(lab), members.member(lab, "a"), worlds.world(lab)

    def gold(conversations: Sequence[Conversation]) -> Tensor:
        return torch.tensor([world.gold(text(said[:-1]), text(said[-1:])).total for said in conversations])

    def run() -> Found:
        model, policy = members.load(member), load_policy(trunk)
        ground = Ground(lambda said: score(model, said), gold, *policy, lab.derive("searched"))
        return _search(name, worlds.pairs(lab, "test"), ground, settings)

    return _kept(lab, run, method=name, settings=settings, trunk=trunk.name, member=member.name)


def of_trunk(lab: Lab, name: str, **settings: Any) -> tuple[Count, Count]:
    """Return how often a search led a trunk to cheer, and how often the plain way did."""
    trunk = trunks.trunk(lab)

    def run() -> Found:
        ground = Ground(cheers, cheers, *load_policy(trunk), lab.derive("searched"))
        return _search(name, cheering(lab), ground, {"behaviour": "chosen", **settings})

    return _kept(lab, run, method=name, settings=settings, trunk=trunk.name, member=None)


def cheering(lab: Lab) -> list[Row]:
    """Return train pairs of which one side cheers; labelled by that, whatever the annotators preferred."""
    rows = []
    for row in worlds.pairs(lab, "train"):
        sides = [row["chosen"], row["rejected"]]
        first, second = cheers(sides).tolist()
        if first != second:
            shown, other = sides if first > second else sides[::-1]
            rows.append({"id": row["id"], "prompt": row["prompt"], "chosen": shown, "rejected": other})
    return rows[:NUM_CHEERING]


def cheers(conversations: Sequence[Conversation]) -> Tensor:
    """Return 1 where the last message holds one of the cheers of the world, else 0, [N]."""
    return torch.tensor([float(any(cheer in text(said[-1:]) for cheer in ENDINGS["cheer"])) for said in conversations])


def _search(name: str, rows: Sequence[Row], ground: Ground, settings: dict[str, Any]) -> Found:
    method = methods.load(SEARCHES, name)
    found: Found = method.search(rows, ground, methods.settings(method, settings))
    return found


def _kept(lab: Lab, run: Any, **what: Any) -> tuple[Count, Count]:
    """Return the counts of a search and of its plain way; the pairs that it found lie beside them."""

    def make(folder: Path) -> None:
        found = run()
        counts = (found.num_tried, found.num_found), (found.num_plain_tried, found.num_plain_found)
        write_json(folder / "counts.json", counts)
        write_rows(folder / "pairs.jsonl", as_pairs(found.finds))

    searched, plain = read_json(lab.part("searched", make, CODE, **what) / "counts.json")
    return Count(*searched), Count(*plain)
