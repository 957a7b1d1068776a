"""PandaLM's test set: three people say which of two responses is better: Wang et al. 2023 (arXiv:2306.05087).

Format: `testset-v1.json` of the authors' repository: a JSON list of `idx`, `instruction`, `input`, `response1`,
`response2`, `annotator1` to `annotator3` (1, 2, or 0 for a tie). Responses that are JSON `true` are no text and are
left out; empty ones stay, as people judged them.

Metric: as in the authors' `compute_metrics.py`, the majority of the annotators against the model's verdict over the
classes 1, 2 and tie: accuracy, and precision, recall and F1 averaged over the classes, 0 where a class never occurs. A
reward says tie where both responses score within `tie_margin`, by default only where they score the same; `decided`
is the accuracy where people saw a difference, which is what a reward without ties can reach. Rows where all three
differ are left out: the authors' code would take the first annotator's word.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from torch import Tensor

from rlhf_pipeline.curation.sources._conversations import MalformedError
from rlhf_pipeline.curation.sources._files import LISTS, Entry
from rlhf_pipeline.intervals import MIN_CLUSTERS, TOO_FEW
from rlhf_pipeline.records import assistant, user
from rlhf_pipeline.validation.benchmarks import Item, Read
from rlhf_pipeline.validation.benchmarks._fields import shown, text_at
from rlhf_pipeline.validation.benchmarks._measuring import margins, share, worst
from rlhf_pipeline.validation.benchmarks._reading import PublishedParams, entries_of, find, read_items
from rlhf_pipeline.validation.checks import Finding, Result
from rlhf_pipeline.validation.checks._resampling import percentile_interval, resampled_sums
from rlhf_pipeline.verdicts import Interval

VERDICTS = (0, 1, 2)
ANNOTATORS = ("annotator1", "annotator2", "annotator3")
AVERAGED = ("precision", "recall", "f1")


class Params(PublishedParams):
    """How much is scored, and what a tie is."""

    tie_margin: float = Field(default=0.0, ge=0, description="difference of rewards up to which the verdict is a tie")


def read(folder: Path, params: Params) -> Read:
    """Return the pairs, in the order of the file.

    Raises:
        Mistake: there is no such file, or none of its rows can be used.
    """
    files = find(folder, "testset-v1.json", lambda path: path.name.startswith("testset-v"), LISTS)
    found = read_items(entries_of(files), _parse, folder, params, "PandaLM's test set")
    pairs = [a == b for item in found.items for a, b in combinations(item.facts["votes"], 2)]
    empty = sum(not side[0]["content"].strip() for item in found.items for side in item.completions)
    notes = [f"two annotators agree in {sum(pairs) / len(pairs):.1%} of cases: what a model can be asked for"]
    notes += [f"{empty} responses are empty, and stay as people judged them"] if empty else []
    return Read(found.items, found.left_out, [*found.notes, *notes])


def measure(items: Sequence[Item], rewards: Sequence[Tensor], params: Params, seed: int) -> Result:
    """Return accuracy, macro precision, recall and F1, and accuracy where people saw a difference."""
    differences = margins(items, rewards)
    labels = torch.tensor([item.facts["label"] for item in items], dtype=torch.long)
    said = _verdicts(differences, params.tie_margin)
    right = (said == labels).double()
    findings = [
        share("panda_lm/overall", right, items, seed, "Share of verdicts, ties among them, that are the majority's."),
        *_averages(labels, said, items, seed),
        _decided(labels, right, items, seed),
    ]
    decided = [_turned(*pair) for pair in zip(items, rewards, strict=True) if pair[0].facts["label"]]
    return Result(findings, worst([item for item, _ in decided], [own for _, own in decided]))


def macro_averages(confusion: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return precision, recall and F1, each averaged over the classes.

    Args:
        confusion: [..., C, C] counts by class of the people and class of the model.

    Returns:
        [..., 3].
    """
    hits = np.diagonal(confusion, axis1=-2, axis2=-1)
    precision = _ratio(hits, confusion.sum(axis=-2))
    recall = _ratio(hits, confusion.sum(axis=-1))
    f1 = _ratio(2 * precision * recall, precision + recall)
    return np.stack([precision.mean(-1), recall.mean(-1), f1.mean(-1)], axis=-1)


def _ratio(over: NDArray[np.float64], under: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.divide(over, under, out=np.zeros_like(over), where=under > 0)


def _verdicts(differences: Tensor, tie_margin: float) -> Tensor:
    return torch.where(differences.abs() <= tie_margin, 0, torch.where(differences > 0, 1, 2))


def _averages(labels: Tensor, said: Tensor, items: Sequence[Item], seed: int) -> list[Finding]:
    names, size = [item.cluster for item in items], len(VERDICTS)
    texts = [f"{name.capitalize()} of the verdicts, averaged over first, second and tie." for name in AVERAGED]
    if not items:
        intervals = [Interval(note="no items")] * len(AVERAGED)
    else:
        columns = np.eye(size * size)[(labels * size + said).numpy()]
        sums, drawn = resampled_sums(columns, names, seed)
        values, draws = (macro_averages(x.reshape(*x.shape[:-1], size, size)) for x in (sums, drawn))
        intervals = [percentile_interval(float(v), draws[:, i]) for i, v in enumerate(values)]
    if 0 < len(set(names)) < MIN_CLUSTERS:
        intervals = [Interval(value=interval.value, note=TOO_FEW) for interval in intervals]
    rows = zip(AVERAGED, intervals, texts, strict=True)
    return [Finding(f"panda_lm/macro_{name}", interval, len(items), text) for name, interval, text in rows]


def _decided(labels: Tensor, right: Tensor, items: Sequence[Item], seed: int) -> Finding:
    rows = [i for i, label in enumerate(labels.tolist()) if label]
    description = "Share of verdicts that are the majority's, where the majority saw a difference."
    return share("panda_lm/decided", right[rows], [items[i] for i in rows], seed, description)


def _turned(item: Item, rewards: Tensor) -> tuple[Item, Tensor]:
    """Return an item and its rewards with the response that people preferred first."""
    if item.facts["label"] == 1:
        return item, rewards
    return replace(item, completions=item.completions[::-1]), rewards.flip(0)


def _parse(entry: Entry) -> Item:
    value = entry.value
    votes = [value.get(name) for name in ANNOTATORS]
    if any(isinstance(vote, bool) or vote not in VERDICTS for vote in votes):
        raise MalformedError(f"votes are {shown(votes)}, not 0, 1 or 2 of each annotator")
    label, count = Counter(votes).most_common(1)[0]
    if count == 1:
        raise MalformedError("no two annotators agree")
    asked = "\n\n".join(part for name in ("instruction", "input") if (part := text_at(value, name)).strip())
    if not asked:
        raise MalformedError("'instruction' and 'input' are empty")
    completions = [assistant(text_at(value, name)) for name in ("response1", "response2")]
    return Item(
        f"pandalm-{shown(value.get('idx', entry.number))}", user(asked), completions, {"label": label, "votes": votes}
    )
