"""Preference pairs of invented words, as many as asked, with a known number of defects planted among them.

Words are as frequent as in a language (Zipf), prompts ask in varied ways, up to three pairs share a prompt. Every
planted row has an original of its own, so each defect is one that its filter alone should find.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from rlhf_pipeline.records import Row, assistant, derive_seed, text, user

SHARES = {
    "usable": 0.005,
    "length": 0.001,
    "exact_duplicates": 0.02,
    "near_duplicates": 0.03,
    "contradictions": 0.005,
}
"""Share of the rows that carries a defect, by the filter that should drop it."""

TOO_LONG_WORDS = 4_200
PAIRS_PER_PROMPT = 3
PROMPT_WORDS, REPLY_WORDS = (8, 40), (20, 60)
ASKED = ("please explain", "write about", "how would you describe", "tell me", "what is known of", "compare")
SYLLABLES = [a + b for a in "bdfgklmnprstvz" for b in ("a", "e", "i", "o", "u", "an", "el", "or")]
NUM_WORDS = 30_000


@dataclass(frozen=True)
class Planted:
    """Rows, and how many of them each filter should drop."""

    rows: list[Row]
    expected: dict[str, int]


def generate(num_rows: int, seed: int) -> Planted:
    """Return rows in random order, defects included.

    A contradiction takes both rows of its item, so that twice as many go as were planted.
    """
    numbers = {name: round(num_rows * share) for name, share in SHARES.items()}
    rng = np.random.default_rng(derive_seed(seed, "planted"))
    rows = list(sound_pairs(num_rows - sum(numbers.values()), rng))
    originals = iter(rng.permutation(len(rows)))
    for name, number in numbers.items():
        rows += [spoil(name, rows[next(originals)], f"{name}-{n}") for n in range(number)]
    rng.shuffle(rows)  # type: ignore[arg-type]
    return Planted(rows, numbers | {"contradictions": 2 * numbers["contradictions"]})


def spoil(name: str, row: Row, id: str) -> Row:
    """Return a row made of a sound one, with the defect that a filter should find."""
    chosen, rejected = row["chosen"], row["rejected"]
    said = text(chosen)
    changes = {
        "usable": {"rejected": chosen},
        "length": {"chosen": assistant(" ".join([said] * (TOO_LONG_WORDS // REPLY_WORDS[0])))},
        "exact_duplicates": {"chosen": assistant(f" {said}  ")},
        "near_duplicates": {"chosen": assistant(f"{said} indeed")},
        "contradictions": {"chosen": rejected, "rejected": chosen},
    }
    return {**row, **changes[name], "id": id}


def sound_pairs(num_rows: int, rng: np.random.Generator) -> Iterator[Row]:
    """Yield pairs without a defect; ids tell their order."""
    words = vocabulary(rng)
    number = 0
    while number < num_rows:
        how = ASKED[rng.integers(len(ASKED))]
        prompt = user(f"{how} {say(words, PROMPT_WORDS, rng)} ?")
        for _ in range(min(int(rng.integers(1, PAIRS_PER_PROMPT + 1)), num_rows - number)):
            sides = {side: assistant(say(words, REPLY_WORDS, rng)) for side in ("chosen", "rejected")}
            yield {"id": f"pair-{number}", "prompt": prompt, **sides}
            number += 1


def vocabulary(rng: np.random.Generator) -> list[str]:
    """Return the words, the most frequent first."""
    return ["".join(SYLLABLES[s] for s in rng.integers(len(SYLLABLES), size=1 + n % 4)) for n in range(NUM_WORDS)]


def say(words: list[str], bounds: tuple[int, int], rng: np.random.Generator) -> str:
    """Return some words; a word's frequency falls as one over its rank."""
    ranks = len(words) ** rng.random(rng.integers(bounds[0], bounds[1] + 1)) - 1
    return " ".join([words[rank] for rank in ranks.astype(int).tolist()])
