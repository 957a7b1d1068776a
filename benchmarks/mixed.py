"""Conversations of mixed length: the world's, and a tail of three to eight times longer ones, by earlier turns."""

import random
from collections.abc import Sequence
from pathlib import Path
from statistics import quantiles
from typing import Any

from benchmarks.claims.lab import Lab
from benchmarks.claims.parts import trunks, worlds
from rlhf_pipeline import models, scoring
from rlhf_pipeline.records import Conversation, Row

TAIL_FRACTION = 0.1
TAIL_TIMES = (3, 8)
CONTEXT = 1024


def trunk(lab: Lab, folder: Path) -> Path:
    """Return a copy of a trunk of the world that reads long conversations."""
    return lengthen(trunks.trunk(lab), folder)


def lengthen(trunk: Path, folder: Path) -> Path:
    """Return a copy of a trunk whose context is long enough; its positions are not learned."""
    model, tokenizer = models.load_policy(trunk)
    model.config.get_text_config().max_position_embeddings = CONTEXT
    models.save_model(folder, model, tokenizer)
    return folder


def pairs(lab: Lab, split: str, count: int) -> list[Row]:
    """Return the first pairs of a split, one in ten behind earlier turns of others of the split."""
    rows, rng = worlds.pairs(lab, split), random.Random(lab.derive("mixed", split))
    if len(rows) < count:
        raise ValueError(f"the world has {len(rows)} pairs in {split}, not {count}")
    lengthened = []
    for row in rows[:count]:
        times = rng.randint(*TAIL_TIMES) if rng.random() < TAIL_FRACTION else 1
        before = [turn for other in rng.sample(rows, times - 1) for turn in other["prompt"] + other["chosen"]]
        kept = {name: row[name] for name in ("id", "group", "chosen", "rejected")}
        lengthened.append(kept | {"prompt": before + row["prompt"]})
    return lengthened


def texts(lab: Lab, count: int) -> list[Conversation]:
    """Return conversations of train pairs, the better side of each, then the other."""
    half = -(-count // 2)
    rows = pairs(lab, "train", min(half, lab.size.num_train))
    sides = [row["prompt"] + row[side] for side in ("chosen", "rejected") for row in rows]
    return [sides[n % len(sides)] for n in range(count)]


def lengths(tokenizer: Any, conversations: Sequence[Conversation]) -> dict[str, float]:
    """Return how the lengths are distributed, in tokens."""
    counted = sorted(len(ids) for ids in scoring.tokenize(tokenizer, conversations))
    cuts = quantiles(counted, n=20)
    return {
        "num": len(counted), "mean": sum(counted) / len(counted), "least": counted[0], "median": cuts[9],
        "90 %": cuts[17], "95 %": cuts[18], "most": counted[-1],
    }  # fmt: skip
