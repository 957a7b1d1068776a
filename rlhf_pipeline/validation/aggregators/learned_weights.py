"""Members weighed by what validation pairs say of them.

A logistic regression of the preference on the members' margins, without intercept and with weights of at least 0: a
member that helps gets more, one that repeats another or guesses gets little. Ridge keeps the weights near each other
where the pairs do not tell members apart.
"""

import numpy as np
import torch
from pydantic import Field
from scipy.optimize import minimize
from torch import Tensor

from rlhf_pipeline.methods import MethodParams
from rlhf_pipeline.validation.aggregators import Context


class Params(MethodParams):
    """How much the pairs may move the weights."""

    ridge: float = Field(default=0.01, ge=0, description="cost of a squared distance from 1/K each, per pair")


def fit(chosen: Tensor, rejected: Tensor, params: Params) -> dict[str, list[float]]:
    """Return one weight per member, at least 0 and together 1.

    Args:
        chosen: [K, M] normalised rewards of the better side.
        rejected: [K, M] of the other.
        params: the ridge.
    """
    margins = (chosen - rejected).double().numpy()
    num_members = len(margins)
    start = np.full(num_members, 1 / num_members)

    def cost(weights: np.ndarray) -> float:
        loss = np.logaddexp(0, -weights @ margins).mean()
        return float(loss + params.ridge * ((weights - start) ** 2).sum())

    found = minimize(cost, start, method="L-BFGS-B", bounds=[(0, None)] * num_members).x
    total = found.sum()
    return {"weights": (found / total if total > 0 else start).tolist()}


def aggregate(rewards: Tensor, context: Context, params: Params) -> Tensor:
    """Return the weighted mean over members; even weights where nothing was fitted.

    Args:
        rewards: [K, N] normalised rewards.
        context: the fitted weights.
        params: not used.

    Returns:
        [N].
    """
    weights = context.fitted.get("weights")
    if weights is None:
        return rewards.mean(dim=0)
    return torch.tensor(weights, dtype=rewards.dtype) @ rewards
