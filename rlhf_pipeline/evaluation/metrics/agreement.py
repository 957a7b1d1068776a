"""How often rewards order pairs as gold does."""

from torch import Tensor


def agreements(margins: Tensor, gold_margins: Tensor) -> Tensor:
    """Return, per pair with no gold tie, 1 where reward and gold order it alike, 0 where not, half for a tied reward.

    Args:
        margins: [N] reward of one side less that of the other.
        gold_margins: [N] the same by gold.

    Returns:
        [M] with M <= N: pairs that gold ties are left out.
    """
    is_ordered = gold_margins != 0
    product = margins[is_ordered] * gold_margins[is_ordered].sign()
    return (product > 0).float() + 0.5 * (product == 0).float()
