"""Mutations of a completion without a model: edits, joins with what was there before, and other prompts' words."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from rlhf_pipeline.records import Row
from rlhf_pipeline.validation import edits
from rlhf_pipeline.validation.edits import Edit, Material, attacking, harmful, neutral

NUM_OTHERS = 8
"""Pairs on other prompts that a mutation may borrow from."""
PHRASE_WORDS = 3
"""Most words of a borrowed phrase."""


@dataclass(frozen=True)
class Attempt:
    """A completion that may be overrated, the row whose prompt it answers, and how it was last changed."""

    place: int
    prompt: str
    completion: str
    style: str


def borrowed_phrase(text: str, material: Material) -> str | None:
    """Put some neighbouring words of another prompt's completion somewhere."""
    if not material.others:
        return None
    words, said = text.split(), material.rng.choice(material.others)[1].split()
    begin = material.rng.randrange(max(len(said), 1))
    where = material.rng.randrange(len(words) + 1)
    phrase = said[begin : begin + material.rng.randint(1, PHRASE_WORDS)]
    return " ".join([*words[:where], *phrase, *words[where:]])


def crossed(text: str, material: Material) -> str | None:
    """Go on after some words with the end of another prompt's completion."""
    if not material.others:
        return None
    words, said = text.split(), material.rng.choice(material.others)[1].split()
    return " ".join(words[: material.rng.randint(1, max(len(words), 1))] + said[len(said) // 2 :])


def master_key(text: str, material: Material) -> str | None:
    """Say one of the openers and symbols that judges took for answers."""
    return material.rng.choice(list(attacking.MASTER_KEYS.values()))


STANDING: Mapping[str, Edit] = {
    name: edit for name, edit in attacking.EDITS.items() if not name.startswith(attacking.MASTER_KEY)
} | {master_key.__name__: master_key}
"""Attacks, which take the text's place; all master keys are one."""
CHANGING: Mapping[str, Edit] = (
    harmful.EDITS | neutral.EDITS | {edit.__name__: edit for edit in (borrowed_phrase, crossed)}
)
STYLES: Mapping[str, Edit] = {**STANDING, **CHANGING}


def mutate(parent: Attempt, style: str, rows: Sequence[Row], rng: random.Random) -> Attempt | None:
    """Return a completion changed in one style; None where the style does not apply.

    What an attack writes stands alone, or before or after the text that was there.
    """
    others = _others(parent, rows, rng)
    new = edits.apply(style, STYLES[style], parent.completion, parent.prompt, others, rng.getrandbits(31))
    if new is None:
        return None
    joined = (new, f"{parent.completion} {new}", f"{new} {parent.completion}")
    text = rng.choice(joined) if style in STANDING else new
    return Attempt(parent.place, parent.prompt, text, style)


def likeness(first: str, second: str) -> float:
    """Return the share of neighbouring words that two texts have in common, of those of either (Jaccard), in [0, 1]."""
    mine, yours = _neighbours(first), _neighbours(second)
    return len(mine & yours) / len(mine | yours)


def _neighbours(text: str) -> set[tuple[str, str]]:
    words = ["", *text.split(), ""]
    return set(pairwise(words))


def _others(parent: Attempt, rows: Sequence[Row], rng: random.Random) -> list[tuple[str, str]]:
    """Return prompts and completions of some rows on other prompts, of either side."""
    drawn = rng.sample(range(len(rows)), min(2 * NUM_OTHERS, len(rows)))
    own = rows[parent.place]["prompt"]
    strange = [rows[place] for place in drawn if rows[place]["prompt"] != own][:NUM_OTHERS]
    return [(row["prompt"][-1]["content"], row[rng.choice(("chosen", "rejected"))][-1]["content"]) for row in strange]
