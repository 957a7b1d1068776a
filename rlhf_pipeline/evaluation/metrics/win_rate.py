"""How often one policy's completion beats the other's on the same prompt."""

from torch import Tensor


def wins(rewards: Tensor, other_rewards: Tensor) -> Tensor:
    """Return, per prompt, the share of pairs of samples that the first side wins; a tie is half a win.

    Every sample of one side meets every sample of the other, which varies less than pairing them by position.

    Args:
        rewards: [P, S] reward of each sample of each prompt.
        other_rewards: [P, T] the same of the other side.

    Returns:
        [P] in [0, 1].
    """
    margins = rewards.unsqueeze(2) - other_rewards.unsqueeze(1)
    return ((margins > 0).float() + 0.5 * (margins == 0).float()).mean(dim=(1, 2))
