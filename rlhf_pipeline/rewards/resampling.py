"""Which pairs a member learns from, and how much each counts for each of its heads.

Groups are drawn, not pairs: pairs of one group share what they are about and are not independent evidence.
"""

import random

import numpy as np

from rlhf_pipeline.records import Row, derive_seed, hash_text


def part(rows: list[Row], number: int, count: int) -> list[Row]:
    """Return one of `count` parts that share no group, in the order of the rows.

    The parts follow from the names of the groups alone, so members with other seeds agree on them.

    Args:
        rows: pairs.
        number: of the part, from 1 to `count`.
        count: of the parts; their numbers of groups differ by one at most.

    Raises:
        ValueError: there are fewer groups than parts.
    """
    names = sorted({row["group"] for row in rows}, key=hash_text)
    if len(names) < count:
        raise ValueError(f"part: [{number}, {count}] of {len(names)} groups; write at most {len(names)} parts")
    own = set(names[number - 1 :: count])
    return [row for row in rows if row["group"] in own]


def bootstrap(rows: list[Row], seed: int) -> list[Row]:
    """Return about as many rows, whole groups drawn with replacement."""
    groups: dict[str, list[Row]] = {}
    for row in rows:
        groups.setdefault(row["group"], []).append(row)
    rng, names = random.Random(seed), sorted(groups)
    return [row for _ in names for row in groups[rng.choice(names)]]


def head_weights(row: Row, num_heads: int, seed: int) -> list[float]:
    """Return how often each head's bootstrap drew a pair, [H]: Poisson with mean 1; one head counts each pair once.

    A weight follows from the seed and the pair's group, not from its place among the rows.
    """
    if num_heads == 1:
        return [1.0]
    drawn = np.random.default_rng(derive_seed(seed, row["group"])).poisson(1.0, num_heads)
    return [float(count) for count in drawn]
