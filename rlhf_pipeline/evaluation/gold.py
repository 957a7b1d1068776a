"""The exact reward of the simulated world, as curation described it; the only place of the library that looks at it.

Where preferences are real there is none, and `load_gold` returns None.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from rlhf_pipeline.records import Conversation, read_json


class Worth(Protocol):
    """A completion's gold reward and the attributes it is made of."""

    @property
    def total(self) -> float:
        """Return the gold reward."""

    @property
    def attributes(self) -> Mapping[str, float]:
        """Return each attribute that the prompt makes count, 1 is best."""


class Rater(Protocol):
    """What knows the gold reward of a completion and the best one a prompt allows."""

    def gold(self, prompt: str, completion: str) -> Worth:
        """Return a completion's worth."""

    def best(self, prompt: str) -> float:
        """Return the highest gold reward that any completion of the prompt can have."""


class Gold:
    """The gold reward of conversations, whose prompt is what the user said last."""

    def __init__(self, rater: Rater) -> None:
        self.rater = rater

    def score(self, prompt: Conversation, completion: str) -> float:
        """Return the gold reward of a completion."""
        return float(self.rater.gold(prompt[-1]["content"], completion).total)

    def attributes(self, prompt: Conversation, completion: str) -> dict[str, float]:
        """Return the gold attributes of a completion; prompts differ in which they have."""
        return dict(self.rater.gold(prompt[-1]["content"], completion).attributes)

    def best(self, prompt: Conversation) -> float:
        """Return the highest gold reward possible."""
        return float(self.rater.best(prompt[-1]["content"]))


def load_gold(path: Path | str) -> Gold | None:
    """Return the gold reward that gold.json describes; None where it says that there is none."""
    described = read_json(path)
    if described["source"] is None:
        return None
    from rlhf_pipeline.simulation.world import World

    return Gold(World.from_json(described["world"]))
