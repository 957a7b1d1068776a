import random

import pytest

from rlhf_pipeline.records import assistant, user


@pytest.fixture
def pair():
    """Return a function that builds a pair of plain texts."""

    def build(id="a", prompt="say hello", chosen="hello there", rejected="go away", **columns):
        sides = {"chosen": assistant(chosen), "rejected": assistant(rejected)}
        return {"id": id, "prompt": user(prompt), **sides, **columns}

    return build


@pytest.fixture
def pairs(pair):
    """Return a function that builds n sound pairs, two for each prompt, of equal lengths on average."""

    def build(n, seed=0):
        rng = random.Random(seed)
        words = [a + b for a in "bdfgklmn" for b in ("a", "e", "i", "o", "u", "ar", "en")]

        def say(low, high):
            return " ".join(rng.choices(words, k=rng.randint(low, high)))

        prompts = [say(8, 12) for _ in range((n + 1) // 2)]
        return [pair(f"p{i}", prompts[i // 2], say(6, 14), say(6, 14)) for i in range(n)]

    return build
