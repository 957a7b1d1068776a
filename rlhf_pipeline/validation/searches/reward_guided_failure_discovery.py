"""Let the reward steer a policy to completions that it scores wrongly: good ones too low, bad ones too high.

REFORM (arXiv:2507.06419). For a good completion each token is drawn from the policy times exp(-weight * reward of the
text so far), for a bad one times exp(+weight * reward); what still belongs to its class, and is scored against it, is
kept. Departs from the paper in that the reward is in units of its spread within the prompt, so that one weight serves
all models; in that tokens the policy would hardly write are never taken; and in its guard: the class is told by
`trusted` where there is one, and otherwise by the policy's log-likelihood per token, for which no second policy is
trained. Texts are decoded before they are scored: reward and policy may read different tokens.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from pydantic import Field

from rlhf_pipeline.records import Conversation, Row, assistant, derive_seed
from rlhf_pipeline.validation.implicit import reply_logps
from rlhf_pipeline.validation.items import spread
from rlhf_pipeline.validation.searches import Find, Found, Ground, Memory, Score, SearchParams, distinct, refuse_no_rows
from rlhf_pipeline.validation.searches._writing import complete, have_room, writer_of

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import PreTrainedTokenizerFast

NAME = "reward_guided_failure_discovery"


class Params(SearchParams):
    """How strongly the reward steers, and how much is written."""

    weight: float = Field(default=5.0, gt=0, description="nats by which one spread of the reward changes a token")
    top_k: int = Field(default=8, ge=2, description="the policy's likeliest tokens, whose reward is asked each time")
    least_probability: float = Field(default=0.02, ge=0, lt=1, description="below it only the likeliest token is taken")
    num_pairs: int = Field(default=100, ge=1, description="pairs written for, spread over the file")
    num_tries: int = Field(default=1, ge=1, description="completions per pair and class")
    max_new_tokens: int = Field(default=64, ge=1, description="of a completion")


@dataclass(frozen=True)
class Guide:
    """Changes the policy's logits by the reward of what each token would make of the text."""

    prompts: Sequence[Conversation]
    pull: Sequence[float]
    """[N] nats per unit of reward: above 0 upward, below 0 downward."""
    score: Score
    tokenizer: PreTrainedTokenizerFast
    params: Params

    def __call__(self, places: list[int], written: Tensor, logits: Tensor) -> Tensor:
        """Return logits [B, V] that are -inf but for the tokens considered; see `_writing.Steer`."""
        logps, tokens = logits.float().log_softmax(dim=-1).topk(min(self.params.top_k, logits.shape[-1]))
        allowed = logps >= math.log(max(self.params.least_probability, 1e-30))
        allowed[:, 0] = True
        # A choice of one needs no reward, and a text that has ended none either.
        ended = (written == self.tokenizer.eos_token_id).any(dim=1)
        asked = (allowed & (allowed.sum(dim=1, keepdim=True) > 1) & ~ended[:, None]).nonzero().tolist()
        steered = logps.masked_fill(~allowed, -math.inf)
        if asked:
            texts = self._texts(written.tolist(), [(row, int(tokens[row, rank])) for row, rank in asked])
            said = [self.prompts[places[row]] + assistant(text) for (row, _), text in zip(asked, texts, strict=True)]
            pulls = torch.tensor([self.pull[places[row]] for row, _ in asked])
            rows, ranks = torch.tensor(asked, device=logits.device).T
            steered[rows, ranks] += (pulls * self.score(said)).to(steered)
        return torch.full_like(logits, -math.inf).scatter(1, tokens, steered.to(logits.dtype))

    def _texts(self, written: list[list[int]], asked: Sequence[tuple[int, int]]) -> list[str]:
        """Return what each row would say with one more token."""
        ids = [[*written[row], token] for row, token in asked]
        return [text.strip() for text in self.tokenizer.batch_decode(ids, skip_special_tokens=True)]


@dataclass(frozen=True)
class Order:
    """One completion to be written: bad and overrated, or good and underrated."""

    row: Row
    is_overrated: bool

    @property
    def against(self) -> Conversation:
        """Return the side that it should lose to, or win against."""
        side: Conversation = self.row["chosen" if self.is_overrated else "rejected"]
        return side


def search(rows: Sequence[Row], ground: Ground, params: Params) -> Found:
    """Write good and bad completions for pairs, steered by the reward, and keep those that it scores wrongly.

    The plain way is as many of the policy's own samples, held against the same sides.

    Raises:
        Mistake: there is no policy, or its context has no room for any prompt.
    """
    _, tokenizer = writer_of(ground, NAME)
    room = have_room(ground, [row["prompt"] for row in rows], params.max_new_tokens) if rows else []
    rows = spread([row for row, fits in zip(rows, room, strict=True) if fits], params.num_pairs)
    refuse_no_rows(rows, "no prompt leaves the policy room to answer; lower max_new_tokens")
    score = Memory(ground.score)
    orders = [Order(row, is_bad) for _ in range(params.num_tries) for row in rows for is_bad in (False, True)]
    prompts = [order.row["prompt"] for order in orders]
    unit = params.weight / score.spread(rows)
    guide = Guide(prompts, [unit if o.is_overrated else -unit for o in orders], score, tokenizer, params)
    guard = Memory(ground.trusted or _likelihood(ground))

    def write(way: str, steer: Guide | None) -> list[Find]:
        seed = derive_seed(ground.seed, NAME, way)
        texts = complete(ground, prompts, params.max_new_tokens, seed=seed, steer=steer)
        return contradictions(orders, texts, score, guard, has_trusted=ground.trusted is not None)

    guided, plain = write("guided", guide), write("plain", None) if params.compare else []
    num_plain = len(orders) if params.compare else 0
    return Found(distinct(guided), len(orders), len(guided), num_plain, len(plain), len(score.known))


def contradictions(
    orders: Sequence[Order], texts: Sequence[str], score: Score, guard: Score, has_trusted: bool
) -> list[Find]:
    """Return the completions that belong to their class by the guard and are scored against it; empty ones never.

    A good one is above the rejected side by the guard and below it by the reward; a bad one is below the chosen side
    by the guard and above it by the reward.
    """
    said = [(order, assistant(text)) for order, text in zip(orders, texts, strict=True) if text]
    own = [order.row["prompt"] + completion for order, completion in said]
    other = [order.row["prompt"] + order.against for order, _ in said]
    rewards, trusted = score(own), guard(own)
    wins, should = rewards - score(other), trusted - guard(other)
    return [
        Find(
            order.row["prompt"], completion, float(rewards[n]), float(trusted[n]) if has_trusted else None,
            order.against, order.is_overrated,
        )
        for n, (order, completion) in enumerate(said)
        if (wins[n] > 0 > should[n] if order.is_overrated else wins[n] < 0 < should[n])
    ]  # fmt: skip


def _likelihood(ground: Ground) -> Score:
    """Return the policy's log-likelihood per token as a score of completions, in nats."""

    def score(conversations: Sequence[Conversation]) -> Tensor:
        policy, tokenizer = writer_of(ground, NAME)
        logps, counts = reply_logps(policy, tokenizer, conversations)
        return logps / counts.clamp(min=1)

    return score
