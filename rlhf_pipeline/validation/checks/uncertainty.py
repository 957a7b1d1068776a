"""Whether members disagree where the ensemble is wrong: what its disagreement is worth as a warning.

AUROC of the disagreement for mistakes, and a rejection curve (El-Yaniv and Wiener 2010, selective classification): how
often the ensemble is right on the pairs that are left when the most disputed go first. Labels are the annotators', who
err too, so the best AUROC that can be seen here is below 1.
"""

import numpy as np
import torch
from pydantic import Field
from scipy.stats import rankdata

from rlhf_pipeline.methods import MethodParams
from rlhf_pipeline.validation.checks import ENSEMBLE, Context, Finding, Items, Result
from rlhf_pipeline.validation.checks._comparisons import margins, share, wins
from rlhf_pipeline.validation.checks._resampling import percentile_interval, resampled_sums
from rlhf_pipeline.validation.items import Inputs, Table, add_pairs
from rlhf_pipeline.verdicts import Interval


class Params(MethodParams):
    """How it is measured."""

    num_points: int = Field(default=10, ge=2, description="points of the rejection curve")


def collect(inputs: Inputs, table: Table, params: Params) -> Items:
    """Enter chosen and rejected of every test pair."""
    return {"test": add_pairs(inputs.test, table)}


def check(items: Items, context: Context, params: Params) -> Result:
    """Return the AUROC of disagreement for mistakes, accuracy on the less disputed half, and the rejection curve."""
    pairs = items["test"]
    told = "Chance that a pair ordered wrongly is more disputed among members than one ordered right; 0.5 is a guess."
    half = "Share of test pairs ordered as labelled, of the half that is least disputed among the members."
    if len(context.members) < 2 or not pairs:
        nothing = Interval(note="one member" if pairs else "no items")
        names = {f"disagreement_auroc/{ENSEMBLE}": told, f"undisputed_accuracy/{ENSEMBLE}": half}
        return Result([Finding(name, nothing, 0, words) for name, words in names.items()])
    each = torch.stack([margins(context.normalised[name], pairs) for name in context.members])
    disputed = each.std(dim=0, correction=0)
    right = wins(margins(context.reward, pairs))
    order = disputed.argsort(stable=True)
    least = order[: max(len(order) // 2, 1)].tolist()
    area = auroc(disputed.double().numpy(), right.double().numpy(), [p.cluster for p in pairs], context.seed)
    findings = [
        Finding(f"disagreement_auroc/{ENSEMBLE}", area, len(pairs), told),
        share(f"undisputed_accuracy/{ENSEMBLE}", right[least], [pairs[i] for i in least], context, half),
    ]
    return Result(findings, rows=rejection_curve(right[order].double().numpy(), params.num_points))


def auroc(scores: np.ndarray, right: np.ndarray, clusters: list[str], seed: int) -> Interval:
    """Return the chance that a mistake scores above a right answer, ties half, resampled by cluster.

    The ranks are taken once, over all pairs: the area is half plus the distance of the mean ranks over N.

    Args:
        scores: [N].
        right: [N] 1 where right, 0 where wrong.
        clusters: [N] names.
        seed: of the resampling.
    """
    ranks = rankdata(scores) / len(scores)
    columns = np.stack([ranks * (1 - right), 1 - right, ranks * right, right], axis=1)
    total, draws = resampled_sums(columns, clusters, seed)
    if min(total[1], total[3]) == 0:
        return Interval(note="all right" if total[1] == 0 else "all wrong")
    draws = draws[(draws[:, 1] > 0) & (draws[:, 3] > 0)]
    areas = 0.5 + draws[:, 0] / draws[:, 1] - draws[:, 2] / draws[:, 3]
    return percentile_interval(float(0.5 + total[0] / total[1] - total[2] / total[3]), areas)


def rejection_curve(right: np.ndarray, num_points: int) -> list[dict[str, float]]:
    """Return the share of right answers among the first part of answers, least disputed first, for growing parts."""
    kept = sorted({max(round(len(right) * point / num_points), 1) for point in range(1, num_points + 1)})
    return [
        {"coverage": round(count / len(right), 6), "accuracy": round(float(right[:count].mean()), 6), "count": count}
        for count in kept
    ]
