"""Methods: searches for texts that a reward, or a policy, mishandles.

Each holds `Params` and `search(rows: Sequence[Row], ground: Ground, params: Params) -> Found`. What a search finds
becomes pairs again (`as_pairs`), in the form of `curation/sources/pairs.py`, to be trained on beside other pairs.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pydantic import Field

from rlhf_pipeline.methods import MethodParams
from rlhf_pipeline.mistakes import Mistake
from rlhf_pipeline.records import Conversation, Row, hash_text
from rlhf_pipeline.validation.items import Fits, everything_fits
from rlhf_pipeline.validation.normalisation import estimate_statistics

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import PreTrainedModel, PreTrainedTokenizerFast

Score = Callable[[Sequence[Conversation]], "Tensor"]
"""Rewards [N] of N conversations, larger is better; only those of one prompt are compared."""


class SearchParams(MethodParams):
    """What every search knows."""

    compare: bool = Field(default=True, description="try the plain way as well, so that the two rates can be compared")


@dataclass(frozen=True)
class Ground:
    """What is searched, and by whose word a text counts as mishandled."""

    score: Score
    """The reward that is audited."""
    trusted: Score | None = None
    """A held-out ensemble, a judge, a rule or gold; None: the search relies on the labels of its rows."""
    policy: PreTrainedModel | None = None
    """A causal language model that writes, or whose answers are attacked."""
    tokenizer: PreTrainedTokenizerFast | None = None
    """The policy's own; the rewards may read other tokens."""
    seed: int = 0
    fits: Fits = everything_fits
    """Texts that grow are held to it."""


@dataclass(frozen=True)
class Find:
    """A text that is mishandled, and the completion of the same prompt that shows it."""

    prompt: Conversation
    completion: Conversation
    reward: float
    trusted: float | None
    against: Conversation
    is_overrated: bool
    """True: `completion` should lose to `against` and does not; False: it should win."""


@dataclass(frozen=True)
class Found:
    """What a search found, and how often it did."""

    finds: Sequence[Find]
    """Distinct ones, of the search itself: none that only the plain way found."""
    num_tried: int
    num_found: int
    """Of those tried, repeated ones included."""
    num_plain_tried: int = 0
    num_plain_found: int = 0
    num_scored: int = 0
    """Different conversations that the audited reward was asked about, the plain way's included."""

    @property
    def rate(self) -> float:
        """Return the share of what was tried that is mishandled; 0 where nothing was."""
        return self.num_found / max(self.num_tried, 1)

    @property
    def plain_rate(self) -> float | None:
        """Return that share for the plain way; None where it was not tried."""
        return self.num_plain_found / self.num_plain_tried if self.num_plain_tried else None


@dataclass
class Memory:
    """A `Score` that asks about each conversation once, and counts them."""

    score: Score
    known: dict[str, float] = field(default_factory=dict)

    def __call__(self, conversations: Sequence[Conversation]) -> Tensor:
        """Return the score of each conversation, [N].

        Raises:
            Mistake: one is NaN or infinite.
        """
        import torch

        keys = [hash_text(json.dumps(conversation)) for conversation in conversations]
        fresh = {key: one for key, one in zip(keys, conversations, strict=True) if key not in self.known}
        if fresh:
            scores = self.score(list(fresh.values())).float().cpu()
            if not scores.isfinite().all():
                raise Mistake("a text's reward is NaN or infinite: audit the reward model first, or take another")
            self.known.update(zip(fresh, scores.tolist(), strict=True))
        return torch.tensor([self.known[key] for key in keys])

    def spread(self, rows: Sequence[Row]) -> float:
        """Return the standard deviation within the prompt over the sides of pairs; 1 where they do not differ."""
        sides = [row["prompt"] + row[side] for row in rows for side in ("chosen", "rejected")]
        groups = [place for place in range(len(rows)) for _ in range(2)]
        return float(estimate_statistics(self(sides)[None], groups).scale)


def as_pairs(finds: Iterable[Find]) -> list[Row]:
    """Return finds as training pairs, each once: the side that should win is chosen."""
    rows: dict[str, Row] = {}
    for find in finds:
        won, lost = (find.against, find.completion) if find.is_overrated else (find.completion, find.against)
        id = hash_text(*(json.dumps(part) for part in (find.prompt, won, lost)))
        rows.setdefault(id, {"id": id, "prompt": find.prompt, "chosen": won, "rejected": lost})
    return list(rows.values())


def distinct(finds: Iterable[Find]) -> list[Find]:
    """Return finds in their order, each text once."""
    return list({json.dumps([f.prompt, f.completion, f.against]): f for f in finds}.values())


def refuse_no_rows(rows: Sequence[Row], why: str) -> None:
    """Raise Mistake where a search has nothing to begin with; `why` says what was left out and what to do."""
    if not rows:
        raise Mistake(f"no pair to search from: {why}")
