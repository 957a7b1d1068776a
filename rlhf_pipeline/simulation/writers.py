"""Imperfect authors. Each has a seed, which draws its skill per slot, and a temperature, which makes it err.

They stand for completions from several SFT models: an SFT model learns from their demonstrations and samples what they
write.
"""

import random
from dataclasses import dataclass

from rlhf_pipeline.simulation.prompts import Task
from rlhf_pipeline.simulation.words import (
    FILLERS,
    FLATTERY,
    LENGTHS,
    NONSENSE,
    SENTENCES,
    SHOWN,
    VALUES,
    VIVID,
    surfaces,
)


@dataclass(frozen=True)
class Writer:
    """An author of completions.

    Attributes:
        skill: slot → mean number of asked things met on purpose, if all slots were as this one: a writer heeds only so
            many, so each of k asked things is met with probability min(1, skill / k).
        slip: probability per word of a slip (dropped, doubled or replaced word).
        vivid: probability of a vivid word at each of the eight places for one.
        flattery: probability of the over-rated opening.
        nonsense: probability of the phrase that no pair holds.
        temptation: probability of heeding no ban on a word.
    """

    skill: dict[str, float]
    slip: float = 0.0
    vivid: float = 0.0
    flattery: float = 0.0
    nonsense: float = 0.0
    temptation: float = 0.0


PERFECT = Writer(dict.fromkeys(VALUES, float(len(VALUES))), vivid=1.0)


def draw_writer(
    seed: int,
    *,
    skill: float,
    spread: float,
    temperature: float,
    slip: float,
    vivid: float,
    flattery: float,
    nonsense: float,
) -> Writer:
    """Draw a writer around a mean skill; a higher temperature lowers its skill and raises its slips."""
    rng = random.Random(seed)
    skills = {slot: max(rng.uniform(skill - spread, skill + spread) / temperature**0.5, 0.0) for slot in VALUES}
    return Writer(skills, slip * temperature**2, vivid, flattery, nonsense, temptation=0.5)


def write(writer: Writer, task: Task, rng: random.Random) -> str:
    """Write a completion for a task."""
    values = _choose(writer, task, rng)
    sentences = [_enliven(rng.choice(forms), writer.vivid, rng).format(**values) for forms in SENTENCES.values()]
    is_tempted = rng.random() < writer.temptation
    fillers = [f for f in rng.sample(FILLERS, len(FILLERS)) if is_tempted or task.forbidden not in f.split()]
    ending = _phrase("ending", values["ending"], rng) if values["ending"] else ""
    while len(sentences) + bool(ending) < LENGTHS[values["length"]]:
        sentences.insert(rng.randint(1, len(sentences)), fillers.pop() + " .")
    if rng.random() < writer.nonsense:
        sentences.append(NONSENSE)
    opening = [FLATTERY] if rng.random() < writer.flattery else []
    return _slip(" ".join([*opening, *sentences, *([ending] if ending else [])]), writer.slip, rng)


def _enliven(form: str, rate: float, rng: random.Random) -> str:
    """Return a sentence form with up to two vivid words at each place for them, none twice in it."""
    words = iter(rng.sample(VIVID, 2 * form.count("{vivid}")))
    parts = form.split("{vivid} ")
    chosen = ["".join(f"{word} " for word in (next(words), next(words)) if rng.random() < rate) for _ in parts[1:]]
    return parts[0] + "".join(vivid + part for vivid, part in zip(chosen, parts[1:], strict=True))


def _choose(writer: Writer, task: Task, rng: random.Random) -> dict[str, str]:
    asked, values = task.slots, {}
    for slot, options in VALUES.items():
        is_met = slot in asked and rng.random() < writer.skill[slot] / len(asked)
        values[slot] = asked[slot] if is_met else rng.choice(options)
    if values["ending"] != asked.get("ending"):
        values["ending"] = values["ending"] if rng.random() < 0.5 else ""
    for slot in SHOWN:
        if slot != "ending":
            values[slot] = _phrase(slot, values[slot], rng)
    return values


def _phrase(slot: str, value: str, rng: random.Random) -> str:
    return rng.choice(surfaces(slot, value))


def _slip(completion: str, rate: float, rng: random.Random) -> str:
    words = completion.split()
    out: list[str] = []
    for word in words:
        draw = rng.random()
        if draw >= rate:
            out.append(word)
        elif draw < rate / 3:
            out += [word, word]
        elif draw < 2 * rate / 3:
            out.append(rng.choice(words))
    return " ".join(out)
