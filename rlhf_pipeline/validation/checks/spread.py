"""Whether rewards tell completions apart, and at the scale that the ensemble was joined at.

A reward that reads a format, or that was rounded, gives many different completions of a prompt the same number. And
members are joined after each was divided by its spread: where that was estimated on other members or other data, their
spreads on test pairs are not what they were divided by, or differ, and one member outvotes the others.
"""

from collections.abc import Sequence

import numpy as np
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
RATIO, ERROR = "scale_ratio/members", "scale_error/members"
TOLD = {
    RATIO: "Largest spread of a member's normalised rewards within test pairs over the smallest.",
    ERROR: "Factor, above 1, between a member's spread within test pairs and what its scale promises; of the farthest.",
}


class Params(MethodParams):
    """None."""


def collect(inputs: Inputs, table: Table, params: Params) -> Items:
    """Enter both sides of test pairs."""
    return {"test": add_pairs(inputs.test, table)}


def check(items: Items, context: Context, params: Params) -> Result:
    """Return the share of pairs that are tied, and how far the members' spreads are apart and from their scales."""
    pairs = items["test"]
    told = "Share of test pairs whose two completions get the same reward, by the {}."
    tied = {name: _ties(rewards, pairs) for name, rewards in context.normalised.items() if name in context.members}
    findings = [share(f"tied/{ENSEMBLE}", _ties(context.reward, pairs), pairs, context, told.format("ensemble"))]
    if pairs and tied:
        name = max(tied, key=lambda own: float(tied[own].mean()))
        findings.append(share("tied_most/members", tied[name], pairs, context, told.format("member"), f"member {name}"))
    return Result([*findings, *_scales(pairs, context)])


def _ties(rewards: Tensor, pairs: Sequence[Comparison]) -> Tensor:
    """Return 1 where both sides of a pair get the same reward, [N]."""
    return (margins(rewards, pairs).abs() <= TIE * float(rewards.std())).float()


def _scales(pairs: Sequence[Comparison], context: Context) -> list[Finding]:
    """Return how far the members' spreads within test pairs are apart, and from those that their scales promise."""
    names, clusters = context.members, [pair.cluster for pair in pairs]
    squares = torch.stack([margins(context.normalised[name], pairs) for name in names], dim=1).square()
    if not squares.any(dim=0).all():
        unmeasured = Interval(note="a member has no spread" if pairs else "no pairs")
        return [Finding(metric, unmeasured, len(pairs), told) for metric, told in TOLD.items()]
    # Two rewards that are m apart have variance m^2 / 2.
    columns = np.append(squares.double().numpy() / 2, np.ones((len(pairs), 1)), axis=1)
    total, draws = (
        (sums[..., :-1] / sums[..., -1:]).clip(NO_SPREAD) ** 0.5
        for sums in resampled_sums(columns, clusters, context.seed)
    )
    high, low = int(total.argmax()), int(total.argmin())
    promised = np.array([context.spreads[name] for name in names])
    far = int(np.abs(np.log(total / promised)).argmax())
    turn = 1 if total[far] >= promised[far] else -1
    found = {
        RATIO: (total[high] / total[low], draws[:, high] / draws[:, low], f"{names[high]} over {names[low]}"),
        ERROR: ((total[far] / promised[far]) ** turn, (draws[:, far] / promised[far]) ** turn, f"member {names[far]}"),
    }
    if len(names) == 1:
        del found[RATIO]
    is_few = len(set(clusters)) < MIN_CLUSTERS
    measured = {
        metric: Interval(value=value, note=TOO_FEW)
        if is_few
        else percentile_interval(value, drawn).model_copy(update={"note": note})
        for metric, (value, drawn, note) in found.items()
    }
    return [
        Finding(metric, measured.get(metric, Interval(note="one member")), len(pairs), told)
        for metric, told in TOLD.items()
    ]
