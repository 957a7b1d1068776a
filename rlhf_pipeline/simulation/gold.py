"""The gold reward: exact, built of named attributes, with a known best value per prompt."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import pairwise

from rlhf_pipeline.simulation.prompts import Task
from rlhf_pipeline.simulation.words import (
    ENDINGS,
    FILLERS,
    FLATTERY,
    KIND_OF,
    LENGTHS,
    NONSENSE,
    SENTENCES,
    STOPS,
    VIVID,
    surfaces,
)

WEIGHTS: Mapping[str, float] = {
    "subject": 1.3, "colour": 0.9, "place": 1.1, "action": 1.0, "mood": 1.2, "ending": 1.15, "length": 0.8,
    "vividness": 7.0, "fluency": 4.0, "repetition": 3.0, "forbidden": 1.4, "nonsense": 2.0,
}  # fmt: skip
PENALTIES = ("fluency", "repetition", "forbidden", "nonsense")
STRENGTHS = {word: 0.7 + 0.6 * number / (len(VIVID) - 1) for number, word in enumerate(VIVID)}
"""How much each vivid word counts; on average 1."""
FULL_STRENGTH = 6.0
"""Sum of strengths at which a completion is as vivid as can be."""


@dataclass(frozen=True)
class GoldReward:
    """A completion's worth: attributes in [0, 1], 1 is best; `total` is their weighted sum, penalties from 1 down."""

    total: float
    attributes: dict[str, float]


def gold(task: Task, completion: str, weights: Mapping[str, float] = WEIGHTS) -> GoldReward:
    """Return the gold reward of a completion for a task."""
    words = completion.split()
    attributes = {slot: slot_fit(slot, value, words, completion) for slot, value in task.asked}
    attributes["vividness"] = min(sum(STRENGTHS[word] for word in set(words) & STRENGTHS.keys()) / FULL_STRENGTH, 1.0)
    attributes["fluency"] = fluency(words)
    attributes["repetition"] = distinct_fraction(words)
    attributes["forbidden"] = 0.0 if task.forbidden in words else 1.0
    attributes["nonsense"] = 0.0 if NONSENSE in completion else 1.0
    total = sum(weights[name] * (value - 1.0 if name in PENALTIES else value) for name, value in attributes.items())
    return GoldReward(total, attributes)


def best(task: Task, weights: Mapping[str, float] = WEIGHTS) -> float:
    """Return the highest gold reward any completion can have: every asked slot met, no penalty."""
    return weights["vividness"] + sum(weights[slot] for slot, _ in task.asked)


def slot_fit(slot: str, value: str, words: list[str], completion: str) -> float:
    """Return how well one asked slot is met: 0 or 1; for the length less by half per sentence off."""
    if slot == "length":
        return 0.5 ** abs(sum(word in STOPS for word in words) - LENGTHS[value]) if words else 0.0
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
    kinds = ["<", *(KIND_OF.get(word, word) for word in words), ">"]
    allowed = allowed_neighbours()
    return sum(pair in allowed for pair in pairwise(kinds)) / (len(kinds) - 1)


@cache
def allowed_neighbours() -> frozenset[tuple[str, str]]:
    """Return every pair of kinds of words that the grammar puts side by side."""
    sentences = [s.split() for s in _all_sentences()]
    first, last = {s[0] for s in sentences} - {"dear"}, {s[-1] for s in sentences} - {","}
    pairs = {pair for s in sentences for pair in pairwise(s)}
    pairs |= {(a, b) for a in last for b in first}
    pairs |= {(",", b) for b in first} | {("<", "dear"), ("{vivid}", "{vivid}")}
    return frozenset(pairs | {("<", b) for b in first} | {(a, ">") for a in last})


def _all_sentences() -> Iterator[str]:
    for forms in SENTENCES.values():
        for form in forms:
            yield form
            yield form.replace("{vivid} ", "")
            # Each place for vivid words may be empty while another is not.
            for number in range(form.count("{vivid}")):
                yield _keep(form, number)
                yield _drop(form, number)
    yield from (f"{filler} ." for filler in FILLERS)
    yield from (phrase for phrases in ENDINGS.values() for phrase in phrases)
    yield FLATTERY


def _keep(form: str, number: int) -> str:
    parts = form.split("{vivid} ")
    return "".join(part + ("{vivid} " if i == number else "") for i, part in enumerate(parts[:-1])) + parts[-1]


def _drop(form: str, number: int) -> str:
    parts = form.split("{vivid} ")
    return "".join(part + ("" if i == number else "{vivid} ") for i, part in enumerate(parts[:-1])) + parts[-1]
