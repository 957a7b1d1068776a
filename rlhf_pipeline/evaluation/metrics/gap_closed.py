"""How much of what could be gained was gained."""


def gap_closed(reference: float, policy: float, best: float) -> float:
    """Return the policy's gain as a share of the gap between the reference and the best possible.

    Negative where the policy is worse than its reference. 0 where there is no gap to close.
    """
    gap = best - reference
    return (policy - reference) / gap if gap > 0 else 0.0
