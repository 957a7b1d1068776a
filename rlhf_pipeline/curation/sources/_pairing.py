"""Completions of one prompt with a score each, made into pairs: which two are paired is a rule."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise
from typing import Any, Literal

from pydantic import Field

from rlhf_pipeline.curation.sources._conversations import MalformedError
from rlhf_pipeline.curation.sources._texts import TextParams
from rlhf_pipeline.records import Conversation, Row, hash_text

ROUNDING = 1e-9  # 0.6 - 0.4 is a gap of 0.2


@dataclass(frozen=True)
class Scored:
    """A completion with its score, higher is better; `place` is where it stood in its entry."""

    id: str
    completion: Conversation
    score: float
    place: str


Rule = Callable[[Sequence[Scored]], Iterable[tuple[Scored, Scored]]]


class PairingParams(TextParams):
    """Which completions of a prompt become pairs."""

    rule: Literal["best_worst", "best_random", "adjacent", "all"] = Field("all", description="which two are paired")
    min_gap: float = Field(0.0, ge=0, description="least difference of scores; equal scores never make a pair")
    max_pairs: int | None = Field(None, ge=1, description="most pairs of one prompt; null: all that the rule gives")


def pair_up(prompt: Conversation, completions: Iterable[Scored], params: PairingParams) -> list[Row]:
    """Return pairs of completions of one prompt; `margin` is the difference of their scores.

    What is drawn at random is drawn by a hash of ids, so that new completions move no others.

    Raises:
        MalformedError: no two scores are far enough apart.
    """
    ranked = sorted(completions, key=lambda x: (-x.score, hash_text(x.id)))
    pairs = [(a, b) for a, b in RULES[params.rule](ranked) if is_apart(a, b, params.min_gap)]
    if not pairs:
        raise MalformedError("no two completions of the prompt differ enough in score")
    drawn = sorted(pairs, key=lambda pair: hash_text(pair[0].id, pair[1].id))[: params.max_pairs]
    return [to_row(prompt, *pair) for pair in pairs if pair in drawn]


def is_apart(better: Scored, worse: Scored, min_gap: float) -> bool:
    """Return whether a score is above another by the gap, and above it at all."""
    gap = better.score - worse.score
    return gap > ROUNDING and gap >= min_gap - ROUNDING


def to_row(prompt: Conversation, better: Scored, worse: Scored) -> Row:
    """Return two completions as a pair that says where in its entry the better one stood, if that is a place."""
    sides: Row = {"prompt": prompt, "chosen": better.completion, "rejected": worse.completion}
    ratings = {"chosen_rating": better.score, "rejected_rating": worse.score}
    name = f"{better.id}~{worse.id.rpartition('-')[2]}"
    place = {"chosen_place": better.place} if better.place != worse.place else {}
    return {"id": name, **sides, "margin": better.score - worse.score, **ratings, **place}


def to_score(name: str, value: Any) -> float:
    """Return a score as a number.

    Raises:
        MalformedError: it is none.
    """
    try:
        return float(value)
    except (TypeError, ValueError):
        raise MalformedError(f"{name} is no number: {str(value)[:40]}") from None


def _best_worst(ranked: Sequence[Scored]) -> Iterable[tuple[Scored, Scored]]:
    return [(ranked[0], ranked[-1])] if ranked else []


def _best_random(ranked: Sequence[Scored]) -> Iterable[tuple[Scored, Scored]]:
    worse = [other for other in ranked if other.score < ranked[0].score]
    return [(ranked[0], min(worse, key=lambda x: hash_text("random", x.id)))] if worse else []


def _all(ranked: Sequence[Scored]) -> Iterable[tuple[Scored, Scored]]:
    return combinations(ranked, 2)


RULES: dict[str, Rule] = {
    "best_worst": _best_worst,
    "best_random": _best_random,
    "adjacent": pairwise,
    "all": _all,
}
