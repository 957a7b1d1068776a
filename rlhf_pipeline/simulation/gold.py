"""The gold reward: exact, built of named attributes, with a known best value per prompt."""

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache

from rlhf_pipeline.simulation.prompts import Task
from rlhf_pipeline.simulation.words import (
    ENDINGS,
    FILLERS,
    FLOURISH,
    LENGTHS,
    NONSENSE,
    SENTENCES,
    SLOT_OF,
    VALUES,
    surfaces,
)  # fmt: skip

WEIGHTS: Mapping[str, float] = {
    "subject": 1.3, "colour": 0.9, "place": 1.1, "time": 0.8, "action": 1.0, "companion": 0.95, "object": 1.05,
    "mood": 1.2, "ending": 1.15, "length": 1.0, "completeness": 4.0, "fluency": 4.0, "repetition": 3.0, "forbidden": 1.4, "nonsense": 2.0,
}  # fmt: skip
PENALTIES = ("fluency", "repetition", "forbidden", "nonsense")
LENGTH_SLACK, LENGTH_SCALE = 4, 4.0
"""Words off the wanted length that are free, and the further ones at which the length fit has fallen to 1/e."""


@dataclass(frozen=True)
class GoldReward:
    """A completion's worth: attributes in [0, 1], 1 is best; `total` is their weighted sum, penalties counted from 1 down."""

    total: float
    attributes: dict[str, float]


def gold(task: Task, completion: str, weights: Mapping[str, float] = WEIGHTS) -> GoldReward:
    """Return the gold reward of a completion for a task."""
    words = completion.split()
    attributes = {slot: slot_fit(slot, value, words, completion) for slot, value in task.asked}
    # A reader who asked for nine things wants all of them: each one missed takes two fifths of what is left.
    attributes["completeness"] = 0.6 ** (len(task.asked) - sum(attributes.values()))
    attributes["fluency"] = fluency(words)
    attributes["repetition"] = distinct_fraction(words)
    attributes["forbidden"] = 0.0 if task.forbidden in words else 1.0
    attributes["nonsense"] = 0.0 if NONSENSE in completion else 1.0
    total = sum(weights[name] * (value - 1.0 if name in PENALTIES else value) for name, value in attributes.items())
    return GoldReward(total, attributes)


def best(task: Task, weights: Mapping[str, float] = WEIGHTS) -> float:
    """Return the highest gold reward any completion can have: every asked slot met, no penalty."""
    return weights["completeness"] + sum(weights[slot] for slot, _ in task.asked)


def slot_fit(slot: str, value: str, words: list[str], completion: str) -> float:
    """Return how well one asked slot is met: 0 or 1, for the length a smooth fit."""
    if slot == "length":
        return (
            2.718281828 ** (-max(abs(len(words) - LENGTHS[value]) - LENGTH_SLACK, 0) / LENGTH_SCALE) if words else 0.0
        )
    if slot == "ending":
        return float(any(completion.endswith(phrase) for phrase in surfaces(slot, value)))
    return float(any(word in words for word in surfaces(slot, value)))


def distinct_fraction(words: list[str]) -> float:
    """Return the share of word triples that are the first of their kind; 1 for fewer than four words."""
    triples = list(zip(words, words[1:], words[2:], strict=False))
    return len(set(triples)) / len(triples) if len(triples) > 1 else 1.0


def fluency(words: list[str]) -> float:
    """Return the share of neighbouring words, start and end included, that the grammar allows; 0 when empty."""
    if not words:
        return 0.0
    kinds = ["<", *(kind_of(word) for word in words), ">"]
    allowed = allowed_neighbours()
    return sum(pair in allowed for pair in itertools.pairwise(kinds)) / (len(kinds) - 1)


@cache
def kind_of(word: str) -> str:
    """Return the slot whose values a completion writes as this word, or the word itself."""
    for slot in ("action", "mood"):
        if any(word in surfaces(slot, value) for value in VALUES[slot]):
            return f"{{{slot}}}"
    slot = SLOT_OF.get(word)
    return f"{{{slot}}}" if slot in ("subject", "colour", "place", "time", "companion", "object") else word


@cache
def allowed_neighbours() -> frozenset[tuple[str, str]]:
    """Return every pair of kinds of words that the grammar puts side by side."""
    sentences = [s.split() for s in _all_sentences()]
    first, last = {s[0] for s in sentences}, {s[-1] for s in sentences}
    pairs = {pair for s in sentences for pair in itertools.pairwise(s)}
    pairs |= {(a, b) for a in last for b in first}
    return frozenset(pairs | {("<", b) for b in first} | {(a, ">") for a in last})


def _all_sentences() -> Iterator[str]:
    for forms in SENTENCES.values():
        yield from forms
    yield from (f"{filler} ." for filler in FILLERS)
    yield from (phrase for phrases in ENDINGS.values() for phrase in phrases)
    yield FLOURISH
