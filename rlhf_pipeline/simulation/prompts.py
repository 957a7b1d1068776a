"""What a prompt asks for, and how it says so."""

import random
from dataclasses import dataclass, replace

from rlhf_pipeline.simulation.words import AVOIDABLE, BANS, CLAUSES, SLOT_OF, VALUES

OPTIONAL = tuple(slot for slot in CLAUSES if slot not in ("subject", "forbidden"))


@dataclass(frozen=True)
class Task:
    """The checkable things that one prompt asks for: slot → value, and perhaps a word to avoid."""

    asked: tuple[tuple[str, str], ...]
    forbidden: str | None = None

    @property
    def slots(self) -> dict[str, str]:
        """Return the asked slots as a dict."""
        return dict(self.asked)

    def with_value(self, slot: str, value: str) -> "Task":
        """Return the same task with one slot's value changed."""
        return replace(self, asked=tuple((s, value if s == slot else v) for s, v in self.asked))


def is_held_out(task: Task, fraction: float) -> bool:
    """Return whether a task's combination of subject and place belongs to the shifted split."""
    slots = task.slots
    subject = VALUES["subject"].index(slots["subject"])
    place = VALUES["place"].index(slots.get("place", VALUES["place"][0]))
    return "place" in slots and (subject * 7 + place * 11) % 100 < fraction * 100


def draw_task(rng: random.Random, num_asked: tuple[int, int], forbid: float) -> Task:
    """Draw a task: a subject, so many of the optional slots, perhaps a forbidden word."""
    drawn = rng.sample(OPTIONAL, rng.randint(*num_asked))
    slots = ["subject", *(slot for slot in OPTIONAL if slot in drawn)]
    asked = tuple((slot, rng.choice(VALUES[slot])) for slot in slots)
    return Task(asked, rng.choice(AVOIDABLE) if rng.random() < forbid else None)


@dataclass(frozen=True)
class Phrasing:
    """How a task is put into words: which phrasing each clause takes, and the clauses' order."""

    choices: tuple[tuple[str, int], ...]
    order: tuple[str, ...]


def draw_phrasing(rng: random.Random, is_shifted: bool) -> Phrasing:
    """Draw phrasings; the last of each clause stands only in the shifted split."""
    choices = tuple((clause, len(p) - 1 if is_shifted else rng.randrange(len(p) - 1)) for clause, p in CLAUSES.items())
    rest = [clause for clause in CLAUSES if clause != "subject"]
    rng.shuffle(rest)
    return Phrasing(choices, ("subject", *rest))


def render(task: Task, phrasing: Phrasing) -> str:
    """Return the prompt's text."""
    slots, choices = task.slots, dict(phrasing.choices)
    parts = []
    for clause in phrasing.order:
        form = CLAUSES[clause][choices[clause]]
        if clause == "forbidden" and task.forbidden:
            parts.append(form.format(task.forbidden))
        elif clause in slots:
            parts.append(form.format(slots[clause]))
    return " ".join(parts)


def parse(prompt: str) -> Task:
    """Read a task back from its prompt, whatever the phrasing.

    Raises:
        ValueError: the prompt is not of this world.
    """
    asked, forbidden = {}, None
    words = prompt.split()
    for before, word in zip(["", *words], words, strict=False):
        if word in AVOIDABLE and before in BANS:
            forbidden = word
        elif word in SLOT_OF:
            asked[SLOT_OF[word]] = word
    if "subject" not in asked:
        raise ValueError(f"not a prompt of the simulated world: {prompt[:60]!r}")
    ordered = tuple((slot, asked[slot]) for slot in ("subject", *OPTIONAL) if slot in asked)
    return Task(ordered, forbidden)
