"""People who label pairs: each has an id, a taste of their own, and faults."""

import math
import random
from dataclasses import dataclass

from rlhf_pipeline.simulation.gold import WEIGHTS, gold
from rlhf_pipeline.simulation.prompts import Task
from rlhf_pipeline.simulation.words import FLATTERY

RATED = {name: weight * (0.5 if name in ("subject", "mood", "vividness") else 1.5) for name, weight in WEIGHTS.items()}
"""Ratings weigh the attributes otherwise than rankings do."""
LARGEST_EXPONENT = 700.0
"""About the largest whose exponential a float holds; the chance beyond it is zero for any purpose."""


@dataclass(frozen=True)
class Annotator:
    """One annotator.

    Attributes:
        name: the id that stands in the data.
        temperature: of the Bradley-Terry choice, in units of gold reward.
        flip: probability that the label is turned around after choosing.
        length_bias: utility per word.
        flattery_bias: utility of the over-rated opening.
        tie_width: differences of utility below it are called a tie.
        taste: slot → extra weight, of opposite sign in opposite groups.
        is_intransitive: judges by a rule that has cycles, not by utility.
        margin_noise: flips grow to this probability as the difference of utility goes to zero.
    """

    name: str
    temperature: float
    flip: float = 0.0
    length_bias: float = 0.0
    flattery_bias: float = 0.0
    tie_width: float = 0.0
    taste: tuple[tuple[str, float], ...] = ()
    is_intransitive: bool = False
    margin_noise: float = 0.0

    def utility(self, task: Task, completion: str) -> float:
        """Return what this annotator thinks a completion is worth, before noise."""
        reward = gold(task, completion)
        own = sum(weight * (reward.attributes.get(slot, 0.5) - 0.5) for slot, weight in self.taste)
        bias = self.length_bias * len(completion.split()) + self.flattery_bias * (FLATTERY in completion)
        return reward.total + own + bias

    def prefers(self, task: Task, first: str, second: str, rng: random.Random) -> str:
        """Return `first`, `second` or `tie`."""
        if self.is_intransitive:
            step = (len(first.split()) - len(second.split())) % 3
            return ("tie", "first", "second")[step]
        difference = self.utility(task, first) - self.utility(task, second)
        if abs(difference) < self.tie_width:
            return "tie"
        is_first = rng.random() < sigmoid(difference / self.temperature)
        flip = self.flip + self.margin_noise * math.exp(-abs(difference))
        return "first" if is_first != (rng.random() < flip) else "second"


def sigmoid(x: float) -> float:
    """Return the logistic function of any finite or infinite number, without overflow."""
    return 1 / (1 + math.exp(min(-x, LARGEST_EXPONENT)))


def rate(task: Task, completion: str, rng: random.Random) -> int:
    """Return a rating from 1 to 5 under the raters' own weighting."""
    highest = sum(RATED[slot] for slot, _ in task.asked) + RATED["vividness"]
    share = gold(task, completion, RATED).total / highest
    return min(max(round(1 + 4 * share + rng.gauss(0, 0.4)), 1), 5)
