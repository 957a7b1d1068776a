"""What the metrics share: who wins, shares by subset, weighted means of groups, and where it went wrong."""

import math
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from rlhf_pipeline.intervals import MIN_CLUSTERS, mean_interval
from rlhf_pipeline.mistakes import Mistake
from rlhf_pipeline.validation.benchmarks import Item
from rlhf_pipeline.validation.checks import Finding
from rlhf_pipeline.validation.checks._comparisons import NUM_WORST
from rlhf_pipeline.validation.checks._resampling import Floats, percentile_interval, resample
from rlhf_pipeline.verdicts import Interval

DIGITS = 12  # thirds do not sum to 1: a perfect scorer would get 0.9999999999999999


@dataclass(frozen=True)
class Score:
    """One value, the group whose mean it enters, and the cluster that it is resampled with."""

    value: float
    group: str
    cluster: str


@dataclass(frozen=True)
class Target:
    """A metric: the sum over groups of a weight times the group's mean."""

    metric: str
    weights: Mapping[str, float]
    description: str
    note: str = ""
    num_items: int | None = None
    """Where it is not the number of scores in the groups."""


def margins(items: Sequence[Item], rewards: Sequence[Tensor]) -> Tensor:
    """Return how much higher the worst right completion of each item scores than the best wrong one.

    Args:
        items: N of them, right completions first.
        rewards: N of [n_i].

    Returns:
        [N]; above 0 where every right completion beats every wrong one.

    Raises:
        Mistake: a reward is not finite; names the item.
    """
    found = []
    for item, scores in zip(items, rewards, strict=True):
        values, right = _finite(item, scores), item.facts.get("num_right", 1)
        found.append(min(values[:right]) - max(values[right:]))
    return torch.tensor(found, dtype=torch.double)


def sides(item: Item, scores: Tensor) -> tuple[Tensor, Tensor]:
    """Return the rewards of an item's right completions, and of its wrong ones, in double precision.

    Raises:
        Mistake: a reward is not finite; names the item.
    """
    values, right = torch.tensor(_finite(item, scores), dtype=torch.double), item.facts.get("num_right", 1)
    return values[:right], values[right:]


def _finite(item: Item, scores: Tensor) -> list[float]:
    values: list[float] = scores.tolist()  # of a few numbers, lists are much faster than tensors
    if not all(map(math.isfinite, values)):
        raise Mistake(f"item {item.id}: a reward is not finite; give every text of the benchmark a finite one")
    return values


def strict_wins(margins: Tensor) -> Tensor:
    """Return 1 where a margin is above 0, else 0: equal scores are no win; [N]. See `wins` of checks for halves."""
    return (margins > 0).double()


def ties(margins: Tensor, rule: str) -> str:
    """Return a note that counts equal scores and says how they are taken; none where there are none."""
    count = int((margins == 0).sum())
    return f"{count} of {len(margins)} score the same: {rule}" if count else ""


def missing(wanted: Iterable[str], present: Collection[str], kind: str = "subsets") -> str:
    """Return a note that names what is wanted and not present; none where all are."""
    names = [name for name in wanted if name not in present]
    return f"without the {kind} {', '.join(names)}" if names else ""


def parts(items: Sequence[Item], fact: str = "subset") -> dict[str, list[int]]:
    """Return the places of the items of each value of a fact, in the order of their names."""
    found = defaultdict(list)
    for place, item in enumerate(items):
        if item.facts.get(fact) is not None:
            found[str(item.facts[fact])].append(place)
    return dict(sorted(found.items()))


def share(metric: str, values: Tensor, items: Sequence[Item], seed: int, description: str, note: str = "") -> Finding:
    """Return the mean of one value per item, with an interval over clusters."""
    interval = mean_interval(values.tolist(), [item.cluster for item in items], seed)
    return Finding(metric, _noted(interval, note), len(items), description)


def shares(name: str, values: Tensor, items: Sequence[Item], seed: int, what: str, note: str = "") -> list[Finding]:
    """Return the mean of each subset, called `name/<subset>`, and of all, called `name/overall`.

    Args:
        name: of the benchmark.
        values: [N] one per item.
        items: N of them.
        seed: of the resampling.
        what: completes 'Share of …'.
        note: goes into the finding of all.
    """
    findings = [
        share(f"{name}/{part}", values[rows], [items[i] for i in rows], seed, f"Share of {what}, '{part}' alone.")
        for part, rows in parts(items).items()
    ]
    return [*findings, share(f"{name}/overall", values, items, seed, f"Share of {what}.", note)]


def scores_of(values: Tensor, groups: Sequence[str], items: Sequence[Item]) -> list[Score]:
    """Return one score per item, in its group and its cluster; all [N]."""
    return [Score(v, group, item.cluster) for v, group, item in zip(values.tolist(), groups, items, strict=True)]


def equally(names: Sequence[str]) -> dict[str, float]:
    """Return the weights of a plain mean over groups."""
    return {name: 1 / len(names) for name in names}


def measure_targets(scores: Sequence[Score], targets: Sequence[Target], seed: int) -> list[Finding]:
    """Return each metric with its interval; all share one set of resamples of whole clusters.

    A group without scores leaves its metrics unmeasured, and the note names it.
    """
    table = _Table(scores, seed)
    found = []
    for target in targets:
        interval = _noted(table.interval(target.weights), target.note)
        num_items = table.count(target.weights) if target.num_items is None else target.num_items
        found.append(Finding(target.metric, interval, num_items, target.description))
    return found


class _Table:
    """Sums and counts of scores by cluster and group, and their resamples."""

    def __init__(self, scores: Sequence[Score], seed: int) -> None:
        self.scores, self.seed = scores, seed
        self.groups = {name: i for i, name in enumerate(sorted({s.group for s in scores}))}
        labels = np.array([self.groups[s.group] for s in scores], dtype=int)
        values = np.array([s.value for s in scores], dtype=float)
        clusters = np.unique([s.cluster for s in scores], return_inverse=True)[1] if scores else labels
        sums = by_cluster(values, labels, clusters, len(self.groups))
        counts = by_cluster(np.ones(len(values)), labels, clusters, len(self.groups))
        self.counts = counts.sum(axis=0)
        self.num_clusters = (counts > 0).sum(axis=0)
        with np.errstate(invalid="ignore"):
            self.means = sums.sum(axis=0) / self.counts
            drawn = resample(np.hstack([sums, counts]), seed)
            self.draws = drawn[:, : len(self.groups)] / drawn[:, len(self.groups) :]

    def count(self, weights: Mapping[str, float]) -> int:
        return int(sum(self.counts[self.groups[name]] for name in weights if name in self.groups))

    def interval(self, weights: Mapping[str, float]) -> Interval:
        if absent := [name for name in weights if name not in self.groups]:
            return Interval(note=f"no items of {', '.join(absent)}")
        if not weights:
            return Interval(note="no items")
        if list(weights.values()) == [1]:
            rows = [s for s in self.scores if s.group in weights]
            return mean_interval([s.value for s in rows], [s.cluster for s in rows], self.seed)
        places = [self.groups[name] for name in weights]
        shares = np.array(list(weights.values()))
        value = round(float(self.means[places] @ shares), DIGITS)
        if self.num_clusters[places].min() < MIN_CLUSTERS:
            return Interval(value=value, note=f"no interval: a part has fewer than {MIN_CLUSTERS} independent items")
        return finite_interval(value, (self.draws[:, places] @ shares).round(DIGITS))


def by_cluster(values: Floats, labels: NDArray[Any], clusters: NDArray[Any], num_groups: int) -> Floats:
    """Return the sums of [N] values by cluster and group; [C, G]."""
    num_clusters = int(clusters.max()) + 1 if len(clusters) else 0
    flat = np.bincount(clusters * num_groups + labels, weights=values, minlength=num_clusters * num_groups)
    return flat.astype(float).reshape(num_clusters, num_groups)


def finite_interval(value: float, draws: Floats) -> Interval:
    """Return a value with the interval of the resamples in which it could be computed."""
    return percentile_interval(value, draws[np.isfinite(draws)])


def worst(items: Sequence[Item], rewards: Sequence[Tensor], fact: str = "subset") -> list[Mapping[str, Any]]:
    """Return the items that were lost by most: the right completion that scored least, the wrong one that scored most.

    Args:
        items: N of them, right completions first.
        rewards: N of [n_i].
        fact: that names the slice of an item, where it has any.
    """
    lost = margins(items, rewards)
    places = [i for i in lost.argsort(stable=True)[:NUM_WORST].tolist() if lost[i] < 0]
    return [_describe(items[i], rewards[i], float(lost[i]), fact) for i in places]


def _describe(item: Item, rewards: Tensor, margin: float, fact: str) -> Mapping[str, Any]:
    right, wrong = sides(item, rewards)
    return {
        "id": item.id,
        **({"slice": item.facts[fact]} if item.facts.get(fact) else {}),
        "prompt": item.prompt,
        "should_win": item.completions[int(right.argmin())],
        "should_lose": item.completions[len(right) + int(wrong.argmax())],
        "margin": round(margin, 6),
    }


def _noted(interval: Interval, note: str) -> Interval:
    return interval.model_copy(update={"note": "; ".join(filter(None, [interval.note, note]))})
