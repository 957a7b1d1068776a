"""Members' rewards of samples joined into one, and what choosing by it is worth."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from rlhf_pipeline import methods
from rlhf_pipeline.validation.aggregators import Context
from rlhf_pipeline.validation.normalisation import estimate_statistics, group_means, normalise

AGGREGATORS = "validation/aggregators"


def on_one_scale(raw: Tensor, normalisation: str = "within_prompt") -> Tensor:
    """Return members' rewards on one scale, [K, P, n] from [K, P, n] raw ones.

    Args:
        raw: [K, P, n].
        normalisation: `within_prompt` takes away each prompt's mean and the spread within prompts, `global` one mean
            and one spread over everything.
    """
    groups = [prompt for prompt in range(raw.shape[1]) for _ in range(raw.shape[2])]
    flat = raw.flatten(1)
    statistics = estimate_statistics(flat, groups)
    if normalisation == "global":
        return normalise(flat, statistics.mean[:, None], statistics.std).view_as(raw)
    return normalise(flat, group_means(flat, groups), statistics.scale).view_as(raw)


def spread(raw: Tensor) -> Tensor:
    """Return each member's spread within prompts, [K, 1] from [K, P, n] raw rewards."""
    return (raw - raw.mean(dim=2, keepdim=True)).flatten(1).std(dim=1, keepdim=True)


def join(
    raw: Tensor,
    aggregator: str = "mean",
    settings: Mapping[str, Any] | None = None,
    normalisation: str = "within_prompt",
    fitted: Mapping[str, Any] | None = None,
) -> Tensor:
    """Return one reward per sample, [P, n], from members' raw rewards, [K, P, n]."""
    method = methods.load(AGGREGATORS, aggregator)
    groups = [prompt for prompt in range(raw.shape[1]) for _ in range(raw.shape[2])]
    flat, context = on_one_scale(raw, normalisation).flatten(1), Context(groups, fitted or {})
    joined: Tensor = method.aggregate(flat, context, methods.settings(method, settings))
    return joined.view(raw.shape[1:])


def gold_of_best(rewards: Tensor, gold: Tensor) -> float:
    """Return the mean gold of the sample that a reward likes best of each prompt; both [P, n]."""
    return float(gold.gather(1, rewards.argmax(dim=1, keepdim=True)).mean())


def rank_correlation(first: Tensor, second: Tensor) -> float:
    """Return the mean over prompts of Spearman's correlation within the prompt; both [P, n]."""
    ranks = [values.argsort(dim=1).argsort(dim=1).double() for values in (first, second)]
    centred = [r - r.mean(dim=1, keepdim=True) for r in ranks]
    product = (centred[0] * centred[1]).sum(dim=1)
    return float((product / torch.stack([c.square().sum(dim=1) for c in centred]).prod(dim=0).sqrt()).mean())
