"""Whether the ensemble prefers the longer side more than the annotators do. Length is counted in characters."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from rlhf_pipeline.methods import MethodParams
from rlhf_pipeline.records import text
from rlhf_pipeline.validation.checks import ENSEMBLE, Context, Finding, Items, Result
from rlhf_pipeline.validation.checks._comparisons import margins, share, wins
from rlhf_pipeline.validation.checks._resampling import percentile_interval, resampled_sums
from rlhf_pipeline.validation.items import Comparison, Inputs, Table, add_pairs
from rlhf_pipeline.verdicts import Interval


class Params(MethodParams):
    """None."""


def collect(inputs: Inputs, table: Table, params: Params) -> Items:
    """Enter chosen and rejected of every test pair."""
    return {"test": add_pairs(inputs.test, table)}


def check(items: Items, context: Context, params: Params) -> Result:
    """Return how often the longer side is preferred, by whom, and the accuracy where the shorter was chosen."""
    sides = [(pair, _num_more_chars(pair, context.table)) for pair in items["test"]]
    pairs = [pair for pair, more in sides if more]
    longer = torch.tensor([float(more) for _, more in sides if more])
    margin = margins(context.reward, pairs)
    prefers, chosen = wins(margin * longer), (longer > 0).float()
    shorter = (longer < 0).nonzero().flatten().tolist()
    short_pairs, right = [pairs[i] for i in shorter], wins(margin)[shorter]
    joint = f"/{ENSEMBLE}"
    findings = [
        share("prefers_longer" + joint, prefers, pairs, context, "Pairs whose longer side the ensemble prefers."),
        share("prefers_longer/annotators", chosen, pairs, context, "Pairs whose longer side the annotators chose."),
        share("length_bias" + joint, prefers - chosen, pairs, context, "By how much the ensemble does so more often."),
        share(
            "accuracy_shorter_chosen" + joint, right, short_pairs, context, "Pairs ordered right, shorter side chosen."
        ),
    ]
    related = correlation(margin, longer, [pair.cluster for pair in pairs], context.seed)
    told = "Correlation of the difference in reward with the difference in length."
    return Result([*findings, Finding("length_correlation" + joint, related, len(pairs), told)])


def correlation(margins: Tensor, lengths: Tensor, clusters: Sequence[str], seed: int) -> Interval:
    """Return the correlation of differences of reward and of length, over both orders of each pair: both means are 0.

    Args:
        margins: [N] chosen less rejected.
        lengths: [N] chosen less rejected, in characters.
        clusters: [N] names.
        seed: of the resampling.
    """
    if not margins.any() or not lengths.any():
        return Interval(note="no spread" if len(margins) else "no items")
    columns = torch.stack([margins * lengths, margins.square(), lengths.square()], dim=1).double().numpy()
    total, draws = resampled_sums(columns, clusters, seed)
    # A resample in which nothing differs has no correlation; it counts as none.
    values = draws[:, 0] / np.sqrt(np.maximum(draws[:, 1] * draws[:, 2], 1e-12))
    return percentile_interval(float(total[0] / np.sqrt(total[1] * total[2])), values)


def _num_more_chars(pair: Comparison, table: Table) -> int:
    return len(text(table.completion(pair.better))) - len(text(table.completion(pair.worse)))
