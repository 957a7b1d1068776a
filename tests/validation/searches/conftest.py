"""Rewards with a planted fault, what they should have said, and pairs for them."""

import pytest
import torch

from rlhf_pipeline.records import assistant, text, user
from rlhf_pipeline.validation.searches import Ground

LETTERS = "abcdefghijklmnop"


def worth(conversation):
    """Count good and bad words of the last message: what should be rewarded."""
    words = text(conversation[-1:]).split()
    return float(words.count("good") - words.count("bad"))


def trusted(conversations):
    return torch.tensor([worth(one) for one in conversations])


def faulty(conversations):
    """Reward, beside what should be, every `c` with three points: the planted fault."""
    return torch.tensor([worth(one) + 3.0 * text(one[-1:]).split().count("c") for one in conversations])


@pytest.fixture
def rows():
    """Return pairs whose chosen side says `good` and whose rejected side says `bad`; no side holds a `c`."""
    return [
        {
            "id": f"{a}{b}",
            "prompt": user(f"say {a} {b}"),
            "chosen": assistant(f"{a} good {b}"),
            "rejected": assistant(f"{b} bad {a}"),
        }
        for a in "abdef"
        for b in "ghijk"
    ]


@pytest.fixture
def ground(tiny_trunk):
    """Return a function that gives a ground by its rewards, with a policy of a few thousand weights where asked."""

    def make(score=faulty, trusted=trusted, seed=0, writes=True):
        from rlhf_pipeline.models import load_policy

        policy, tokenizer = load_policy(tiny_trunk) if writes else (None, None)
        return Ground(score, trusted, policy, tokenizer, seed)

    return make


@pytest.fixture
def faulty_score():
    return faulty


@pytest.fixture
def trusted_score():
    return trusted
