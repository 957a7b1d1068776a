"""Tasks with several checkable steps and one exact answer, and questions answered by a verdict word.

They stand in the demonstrations, so that a trunk knows the words of process rewards, rules and judges.
"""

import random
from dataclasses import dataclass

NUMBERS = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
]
GRADES = ("excellent", "good", "fair", "poor", "bad")
CHOICES = ("A", "B", "tie")
YES_NO = ("yes", "no")


@dataclass(frozen=True)
class Problem:
    """A prompt, the steps of its solution, and the one answer."""

    prompt: str
    steps: tuple[str, ...]
    answer: str

    @property
    def solution(self) -> str:
        """Return the steps and the answer as one completion."""
        return " ".join([*(f"step {s} ." for s in self.steps), f"answer {self.answer} ."])


def draw_sum(rng: random.Random, num_steps: int = 3) -> Problem:
    """Draw a chain of additions and subtractions whose results stay within the number words."""
    value = rng.randrange(6)
    parts, steps = [f"start with {NUMBERS[value]}"], []
    for _ in range(num_steps):
        amount = rng.randint(1, 4)
        sign = 1 if value - amount < 0 or (value + amount < len(NUMBERS) and rng.random() < 0.5) else -1
        value += sign * amount
        parts.append(f"{'add' if sign > 0 else 'take'} {NUMBERS[amount]}")
        steps.append(NUMBERS[value])
    return Problem(" then ".join(parts), tuple(steps), NUMBERS[value])


def draw_verdict(rng: random.Random) -> Problem:
    """Draw a question on numbers that a verdict word answers: yes or no, A or B or tie, a grade."""
    a, b = rng.randrange(len(NUMBERS)), rng.randrange(len(NUMBERS))
    kind = rng.randrange(3)
    if kind == 0:
        return Problem(f"is {NUMBERS[a]} more than {NUMBERS[b]}", (), YES_NO[a <= b])
    if kind == 1:
        return Problem(f"which is more A {NUMBERS[a]} or B {NUMBERS[b]}", (), CHOICES[2 if a == b else int(a < b)])
    return Problem(f"grade {NUMBERS[a]} of fifteen", (), GRADES[min((15 - a) // 3, 4)])


def correct_steps(problem: Problem, completion: str) -> list[bool]:
    """Return for each step of the solution whether the completion has it right, in its place."""
    said = [
        part.split()[1] for part in completion.split(" .") if part.split()[:1] == ["step"] and len(part.split()) > 1
    ]
    return [i < len(said) and said[i] == step for i, step in enumerate(problem.steps)]


def is_correct(problem: Problem, completion: str) -> bool:
    """Return whether the completion's answer is exactly the problem's."""
    return f"answer {problem.answer} ." in completion and completion.count("answer") == 1
