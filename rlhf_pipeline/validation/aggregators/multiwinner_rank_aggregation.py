"""Members vote with ranks: how much better a completion is does not count, only how many it beats.

The Borda score of multiwinner voting, Boehmer et al. 2023 (arXiv:2306.09835), with the candidates of one prompt as the
candidates and the members as voters. A member with wild scores moves no more than its one vote. Ranks are among the
completions of a prompt in one call: with a single one there is nothing to rank, and its score is 0.
"""

import torch
from torch import Tensor

from rlhf_pipeline.methods import MethodParams
from rlhf_pipeline.validation.aggregators import Context


class Params(MethodParams):
    """None."""


def aggregate(rewards: Tensor, context: Context, params: Params) -> Tensor:
    """Return the share of the prompt's other completions that each beats, less the share it loses to, over members.

    Args:
        rewards: [K, N] normalised rewards.
        context: its groups.
        params: none.

    Returns:
        [N] from -1, beaten by all in every member's eyes, to 1.
    """
    rows: dict[object, list[int]] = {}
    for row, group in enumerate(context.groups):
        rows.setdefault(group, []).append(row)
    scores = torch.zeros(rewards.shape[1])
    for members in rows.values():
        own = rewards[:, members]
        wins = (own[:, :, None] - own[:, None, :]).sign().sum(dim=2)
        scores[members] = wins.mean(dim=0) / max(len(members) - 1, 1)
    return scores
