"""Whether rewards tell completions apart, and at the scale that the ensemble was joined at.

A reward that reads a format, or that was rounded, gives many different completions of a prompt the same number. And
members are joined after each was divided by its spread: where that was estimated on other members or other data, their
spreads on test pairs differ, and one member outvotes the others.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from rlhf_pipeline.intervals import MIN_CLUSTERS, TOO_FEW
from rlhf_pipeline.methods import MethodParams
from rlhf_pipeline.validation.checks import ENSEMBLE, Context, Finding, Items, Result
from rlhf_pipeline.validation.checks._comparisons import margins, share
from rlhf_pipeline.validation.checks._resampling import percentile_interval, resampled_sums
from rlhf_pipeline.validation.items import Comparison, Inputs, Table, add_pairs
from rlhf_pipeline.validation.normalisation import NO_SPREAD
from rlhf_pipeline.verdicts import Interval

TIE = 1e-5
"""Of a reward's spread: less is rounding, not a difference."""


class Params(MethodParams):
    """None."""


def collect(inputs: Inputs, table: Table, params: Params) -> Items:
    """Enter both sides of test pairs."""
    return {"test": add_pairs(inputs.test, table)}


def check(items: Items, context: Context, params: Params) -> Result:
    """Return the share of pairs that are tied, and how far the members' spreads are apart."""
    pairs = items["test"]
    told = "Share of test pairs whose two completions get the same reward, by the {}."
    tied = {name: _ties(rewards, pairs) for name, rewards in context.normalised.items() if name in context.members}
    findings = [share(f"tied/{ENSEMBLE}", _ties(context.reward, pairs), pairs, context, told.format("ensemble"))]
    if pairs and tied:
        name = max(tied, key=lambda own: float(tied[own].mean()))
        findings.append(share("tied_most/members", tied[name], pairs, context, told.format("member"), f"member {name}"))
    return Result([*findings, _ratio(pairs, context)])


def _ties(rewards: Tensor, pairs: Sequence[Comparison]) -> Tensor:
    """Return 1 where both sides of a pair get the same reward, [N]."""
    return (margins(rewards, pairs).abs() <= TIE * float(rewards.std())).float()


def _ratio(pairs: Sequence[Comparison], context: Context) -> Finding:
    """Return the largest spread of a member within test pairs over the smallest."""
    told = "Largest spread of a member's normalised rewards within test pairs over the smallest."
    metric = "scale_ratio/members"
    if len(context.members) < 2:
        return Finding(metric, Interval(note="one member"), 0, told)
    squares = torch.stack([margins(context.normalised[name], pairs) for name in context.members], dim=1).square()
    if not squares.any(dim=0).all():
        return Finding(metric, Interval(note="a member has no spread"), len(pairs), told)
    clusters = [pair.cluster for pair in pairs]
    total, draws = resampled_sums(squares.double().numpy(), clusters, context.seed)
    high, low = int(total.argmax()), int(total.argmin())
    value, note = float((total[high] / total[low]) ** 0.5), f"{context.members[high]} over {context.members[low]}"
    if len(set(clusters)) < MIN_CLUSTERS:
        return Finding(metric, Interval(value=value, note=TOO_FEW), len(pairs), told)
    interval = percentile_interval(value, (draws[:, high] / draws[:, low].clip(NO_SPREAD)) ** 0.5)
    return Finding(metric, interval.model_copy(update={"note": note}), len(pairs), told)
