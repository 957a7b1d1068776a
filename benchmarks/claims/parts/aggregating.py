"""Aggregators side by side: the gold of the best sample by one ensemble's members, joined in one way or another."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from benchmarks.claims import Settings
from benchmarks.claims.lab import Lab
from benchmarks.claims.parts import ensembles, joining, samples
from rlhf_pipeline import methods


def gold_of_best(lab: Lab, settings: Settings) -> float:
    """Return the mean gold of the best of n.

    Args:
        lab: whose members and samples.
        settings: `aggregator`, its `settings`, the `members` (strong where not said) and the `normalisation`.
    """
    drawn = samples.draw(lab)
    models = getattr(ensembles, settings.get("members", "strong"))(lab)
    raw = samples.rewards(lab, models, drawn)
    fitted = fit(lab, models, joining.spread(raw), settings["aggregator"], settings.get("settings"))
    normalisation = settings.get("normalisation", "within_prompt")
    joined = joining.join(raw, settings["aggregator"], settings.get("settings"), normalisation, fitted)
    return joining.gold_of_best(joined, samples.gold(lab, drawn))


def fit(
    lab: Lab, models: Sequence[Path], scale: Tensor, aggregator: str, settings: Settings | None = None
) -> dict[str, Any]:
    """Return what an aggregator learns from the world's validation pairs; nothing where it learns nothing.

    Args:
        lab: whose pairs.
        models: K members.
        scale: [K, 1] each member's spread within prompts.
        aggregator: its name.
        settings: of the aggregator.
    """
    method = methods.load(joining.AGGREGATORS, aggregator)
    if not hasattr(method, "fit"):
        return {}
    chosen, rejected = (side / scale for side in samples.pair_rewards(lab, models, "validation"))
    fitted: dict[str, Any] = method.fit(chosen, rejected, methods.settings(method, settings))
    return fitted


def disagreement_and_error(lab: Lab, members: str) -> tuple[Tensor, Tensor]:
    """Return the members' spread on every sample and how far their mean is from gold, both [P, n].

    Both the mean and gold are centred within the prompt and in units of their own spread within prompts.
    """
    drawn = samples.draw(lab)
    scaled = joining.on_one_scale(samples.rewards(lab, getattr(ensembles, members)(lab), drawn))
    joint = joining.on_one_scale(scaled.mean(dim=0, keepdim=True))[0]
    gold = joining.on_one_scale(samples.gold(lab, drawn)[None])[0]
    return scaled.std(dim=0, correction=0), torch.abs(joint - gold)
