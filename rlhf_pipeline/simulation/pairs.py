"""Pairs, contrast items and single edits of the world, as rows."""

import random
from collections import Counter
from collections.abc import Collection
from dataclasses import replace

from rlhf_pipeline.records import Row, assistant, hash_text, user
from rlhf_pipeline.simulation.annotators import Annotator, rate
from rlhf_pipeline.simulation.degenerate import KINDS, degrade
from rlhf_pipeline.simulation.prompts import Task, draw_phrasing, render
from rlhf_pipeline.simulation.words import VALUES
from rlhf_pipeline.simulation.world import World
from rlhf_pipeline.simulation.writers import PERFECT, write

CONTRASTED = tuple(slot for slot in VALUES if slot != "length")


def draw_pairs(
    world: World, count: int, purpose: str, *, is_shifted: bool = False, taken: Collection[str] = ()
) -> list[Row]:
    """Draw labelled pairs on prompts that are not taken; those of `evaluator` have annotators of their own."""
    annotators = world.evaluator_annotators if purpose == "evaluator" else world.annotators
    rng = world.rng("pairs", purpose, str(is_shifted))
    rows: list[Row] = []
    while len(rows) < count:
        task = world.draw_task(rng, is_shifted)
        prompt = render(task, draw_phrasing(rng, is_shifted))
        if prompt not in taken:
            rows.append(_pair(world, annotators, rng, task, prompt))
    return rows


def _pair(world: World, annotators: list[Annotator], rng: random.Random, task: Task, prompt: str) -> Row:
    sides = _sides(world, task, rng)
    count = world.params.num_votes if rng.random() < world.params.voted_fraction else 1
    voters = rng.sample(annotators, count)
    votes = [(a.name, a.prefers(task, *sides, rng)) for a in voters]
    tally = Counter(vote for _, vote in votes)
    lead = tally["first"] - tally["second"]
    first_is_chosen = lead > 0 or (lead == 0 and rng.random() < 0.5)
    chosen, rejected = sides if first_is_chosen else sides[::-1]
    won = "first" if first_is_chosen else "second"
    return {
        "id": hash_text(prompt, *sides),
        "group": prompt,
        "prompt": user(prompt),
        "chosen": assistant(chosen),
        "rejected": assistant(rejected),
        "margin": abs(lead) / count,
        "annotator": voters[0].name,
        "votes": [
            {"annotator": n, "vote": "tie" if v == "tie" else "chosen" if v == won else "rejected"} for n, v in votes
        ],
        "chosen_rating": rate(task, chosen, rng),
        "rejected_rating": rate(task, rejected, rng),
    }


def _sides(world: World, task: Task, rng: random.Random) -> tuple[str, str]:
    """Return two different completions, one of them degenerate for a share of the pairs."""
    first = write(rng.choice(world.writers), task, rng)
    second = write(rng.choice(world.writers), task, rng)
    if rng.random() < world.params.degenerate_fraction:
        other = write(rng.choice(world.writers), world.draw_task(rng), rng)
        second = degrade(rng.choice(KINDS), second, other, rng)
    if first == second or not second:
        return _sides(world, task, rng)
    return (first, second) if rng.random() < 0.5 else (second, first)


def draw_contrast(world: World, count: int, *, is_shifted: bool = False) -> list[Row]:
    """Draw pairs of prompts that differ in one slot's value, each with a completion that is good for it alone."""
    rng, rows = world.rng("contrast", str(is_shifted)), []
    for number in range(count):
        task = world.draw_task(rng, is_shifted)
        slot, other = _change(task, rng)
        phrasing = draw_phrasing(rng, is_shifted)
        completion, other_completion = _drafts(world, (task, other), rng)
        rows.append(
            {
                "id": f"contrast-{'shifted' if is_shifted else 'plain'}-{number}",
                "prompt": user(render(task, phrasing)),
                "other_prompt": user(render(other, phrasing)),
                "completion": assistant(completion),
                "other_completion": assistant(other_completion),
                "slice": "shifted" if is_shifted else "plain",
                "slot": slot,
            }
        )
    return rows


def draw_single_edits(world: World, count: int) -> list[Row]:
    """Draw completions and the same with one edit that makes them worse: another value in one slot."""
    rng, rows = world.rng("single_edits"), []
    for number in range(count):
        task = world.draw_task(rng)
        slot, wrong = _change(task, rng)
        good, bad = _drafts(world, (task, wrong), rng)
        rows.append(
            {
                "id": f"single-edit-{number}",
                "prompt": user(render(task, draw_phrasing(rng, False))),
                "chosen": assistant(good),
                "rejected": assistant(bad),
                "slice": slot,
            }
        )
    return rows


def _change(task: Task, rng: random.Random) -> tuple[str, Task]:
    """Return a slot and the task with another value in it."""
    slot = rng.choice([s for s, _ in task.asked if s in CONTRASTED])
    return slot, task.with_value(slot, rng.choice([v for v in VALUES[slot] if v != task.slots[slot]]))


def _drafts(world: World, tasks: tuple[Task, Task], rng: random.Random) -> tuple[str, str]:
    """Return what one skilled writer, in one mood, writes for two tasks: it differs only where the tasks do."""
    writer = replace(PERFECT, vivid=world.params.vivid_fraction)
    state = rng.getstate()
    first = write(writer, tasks[0], rng)
    rng.setstate(state)
    return first, write(writer, tasks[1], rng)
