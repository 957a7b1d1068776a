"""Degenerate completions: what a model writes when it goes wrong, as sides of pairs and as test items."""

import random

KINDS = ("truncated", "repeated", "shuffled", "swapped")


def degrade(kind: str, completion: str, other: str, rng: random.Random) -> str:
    """Return a degenerate version of a completion.

    Args:
        kind: one of `KINDS`; `swapped` takes another prompt's completion.
        completion: what is made worse.
        other: a completion for another prompt.
        rng: of the choices within a kind.
    """
    words = completion.split()
    if kind == "truncated":
        return " ".join(words[: rng.randint(1, max(len(words) // 2, 1))])
    if kind == "repeated":
        start = rng.randrange(max(len(words) - 3, 1))
        return " ".join(words[:start] + words[start : start + 3] * rng.randint(4, 8))
    if kind == "shuffled":
        return " ".join(rng.sample(words, len(words)))
    return other
