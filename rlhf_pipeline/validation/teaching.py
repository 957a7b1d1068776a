"""Which pairs a label would teach most about: where members differ on who wins, spread over topics.

BALD, Houlsby et al. 2011 (arXiv:1112.5745): the information that a label gives about which member is right. Departs
from the paper in its link, the logistic of Bradley-Terry, in a topic's cap, and in what a failed check adds.
"""

import math
from collections import Counter
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

NUM_NODES = 32  # of Gauss-Hermite quadrature
FAILED_BITS = 0.03
"""What a failed check adds: as much as members who differ by 0.4 units on a tie leave open; both kinds get asked."""
NUM_TOPICS = 50
SHARE_OF_TOPIC = 2  # a topic gives at most so many times its even share
ROUNDING = 6  # digits of bits; below that pairs are equal and the nearer tie comes first


def information(disagreement: Tensor, margin: Tensor) -> Tensor:
    """Return what a label of each pair would tell about the members, in bits.

    Eq. 2 of Houlsby et al. 2011: the entropy of the label less its mean entropy under each member, members taken as
    normal around their mean. High where they disagree and none is sure; zero where they agree, on a tie too.

    Args:
        disagreement: [N] standard deviation over members of the margin, >= 0.
        margin: [N] mean over members of reward of one side less the other's, in units of the noise of a label.

    Returns:
        [N] bits in [0, 1].
    """
    nodes, weights = map(torch.from_numpy, np.polynomial.hermite.hermgauss(NUM_NODES))
    draws = margin.double()[:, None] + math.sqrt(2) * disagreement.double()[:, None] * nodes
    chances = draws.sigmoid()
    weights = weights / weights.sum()
    return (entropy(chances @ weights) - entropy(chances) @ weights).clamp(min=0).float()


def entropy(chance: Tensor) -> Tensor:
    """Return the entropy of a yes or no, in bits, of any shape."""
    return (torch.special.entr(chance) + torch.special.entr(1 - chance)) / math.log(2)


def worth(disagreement: Tensor, margin: Tensor, is_failed: Tensor) -> Tensor:
    """Return what a label of each pair is worth, in bits; all [N], `is_failed` tells of a failed check."""
    return information(disagreement, margin) + FAILED_BITS * is_failed.float()


def find_topics(prompts: Sequence[str], num_topics: int = NUM_TOPICS) -> Tensor:
    """Return the topic of each prompt, [N]: k-means on TF-IDF, the same for the same prompts."""
    from sklearn.cluster import MiniBatchKMeans
    from sklearn.feature_extraction.text import TfidfVectorizer

    num_topics = min(num_topics, len(set(prompts)))
    if num_topics < 2:
        return torch.zeros(len(prompts), dtype=torch.long)
    vectors = TfidfVectorizer(sublinear_tf=True, token_pattern=r"\S+").fit_transform(prompts)
    found = MiniBatchKMeans(num_topics, random_state=0, n_init=1).fit_predict(vectors)
    return torch.from_numpy(found.astype(np.int64))


def choose(worth: Tensor, margin: Tensor, topics: Tensor, count: int, cap: int | None = None) -> list[int]:
    """Return the pairs to label, the most worth first; of equal ones, the nearer tie.

    Args:
        worth: [N] bits.
        margin: [N].
        topics: [N] the topic of each pair.
        count: how many; fewer only where N is.
        cap: most of one topic, where the others can fill the count; None: twice the even share.

    Returns:
        At most `count` indices; those over a topic's cap come last.

    Raises:
        ValueError: a worth or a margin is not finite.
    """
    if not (worth.isfinite().all() and margin.isfinite().all()):
        raise ValueError("the worth or the margin of a pair is NaN or infinite")
    values = zip(worth.tolist(), margin.abs().tolist(), strict=True)
    keys = [(-round(value, ROUNDING), distance) for value, distance in values]
    names = topics.tolist()
    cap = cap or math.ceil(SHARE_OF_TOPIC * count / max(len(set(names)), 1))
    taken: list[int] = []
    over: list[int] = []
    seen = Counter[int]()
    for place in sorted(range(len(keys)), key=keys.__getitem__):
        seen[names[place]] += 1
        (taken if seen[names[place]] <= cap else over).append(place)
    return (taken + over)[:count]
