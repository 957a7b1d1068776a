"""Fill an archive of overrated completions, the best of each kind, by many mutations at a time.

Ferret (arXiv:2408.10701), which goes back to Rainbow Teaming (arXiv:2402.16822) and MAP-Elites. In each round a parent
is taken from the archive or from the rejected sides, changed in one style several times, near-duplicates are dropped,
and the fittest takes its cell's place where it beats what stands there; styles whose cells are poor come more often.
Departs from the papers in what is attacked, a reward in place of a chat model: the archive holds completions, not
prompts, mutations are edits and joins of the user's own texts instead of a language model's, rounds go in generations
of one batch, and a text's fitness is not its reward alone: where something is trusted, that must speak against the
text as well, or what is merely bad would do. `mutations=1` is Rainbow's single mutation, which is the plain way.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from pydantic import Field, field_validator

from rlhf_pipeline import methods
from rlhf_pipeline.records import Conversation, Row, derive_seed
from rlhf_pipeline.validation.edits import refuse_unknown
from rlhf_pipeline.validation.items import spread
from rlhf_pipeline.validation.searches import Find, Found, Ground, Memory, SearchParams, distinct, refuse_no_rows
from rlhf_pipeline.validation.searches._mutations import STYLES, Attempt, likeness, mutate

NAME = "quality_diversity_red_team"
NUM_DRAWS = 4
"""Mutations that are drawn at most for each that is wanted; the rest do not apply or repeat something."""
NUM_BARREN = 20
"""Generations without one new text, after which there is nothing more to try."""
Axis = Callable[[Attempt], Hashable]
Cell = tuple[Hashable, ...]


def prompt_length(attempt: Attempt) -> Hashable:
    """Return the bucket of the prompt's length in words: each is twice as wide as the one before."""
    return len(attempt.prompt.split()).bit_length()


def completion_length(attempt: Attempt) -> Hashable:
    """Return the bucket of the completion's length in words."""
    return len(attempt.completion.split()).bit_length()


def style(attempt: Attempt) -> Hashable:
    """Return how the completion was last changed."""
    return attempt.style


AXES: dict[str, Axis] = {axis.__name__: axis for axis in (prompt_length, completion_length, style)}


class Params(SearchParams):
    """How much is tried, and what the archive keeps apart."""

    mutations: int = Field(default=8, ge=1, description="mutations of a parent, of which the fittest is kept")
    num_pairs: int = Field(default=500, ge=1, description="pairs attacked, spread over the file")
    num_calls: int = Field(default=2000, ge=1, description="completions scored by the audited reward")
    axes: tuple[str, ...] = Field(default=("prompt_length", "style"), description="what the archive's cells differ in")
    styles: tuple[str, ...] = Field(default=(), description="edits that mutate; none named: all")
    most_similar: float = Field(default=0.95, gt=0, le=1, description="likeness above which a text is no new one")
    temperature: float = Field(default=1.0, gt=0, description="evenness of styles, in spreads of fitness")
    fresh_fraction: float = Field(default=0.3, gt=0, le=1, description="parents that are a pair's rejected side")
    max_words: int = Field(default=256, ge=1, description="of a completion; longer ones are dropped")
    batch_size: int = Field(default=64, ge=1, description="completions scored at once")

    @field_validator("styles")
    @classmethod
    def _are_styles(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        return refuse_unknown(names, STYLES)

    @field_validator("axes")
    @classmethod
    def _are_axes(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        for name in names or ("",):
            if name not in AXES:
                raise ValueError(f"unknown axis '{name}'.{methods.suggest(name, list(AXES))}")
        return names


@dataclass(frozen=True)
class Elite:
    """The best attempt of a cell."""

    attempt: Attempt
    fitness: float
    """The smaller of two margins over the chosen side, in spreads within the prompt: what the reward gives too much,
    and what the trusted one gives less. Above 0 only where both hold; without a trusted one the first alone."""
    find: Find | None
    """What it shows; None where the fitness is not above 0."""


@dataclass(frozen=True)
class Arena:
    """The pairs that are attacked, and what judges an attempt."""

    rows: Sequence[Row]
    score: Memory
    trusted: Memory | None
    params: Params
    fits: Callable[[Sequence[Conversation]], list[bool]] = lambda conversations: [True] * len(conversations)

    @cached_property
    def units(self) -> list[float]:
        """Return the spread within the prompt of the audited reward, and of the trusted one where there is one."""
        return [judge.spread(self.rows) for judge in (self.score, self.trusted) if judge]

    def judge(self, attempts: Sequence[Attempt]) -> list[Elite]:
        """Return what each attempt is worth."""
        own = [self.conversation(attempt) for attempt in attempts]
        chosen = [self.rows[a.place]["prompt"] + self.rows[a.place]["chosen"] for a in attempts]
        asked = [judge for judge in (self.score, self.trusted) if judge]
        values = [judge(own).tolist() for judge in asked]
        margins = [(j(own) - j(chosen)).div(unit).tolist() for j, unit in zip(asked, self.units, strict=True)]
        told = zip(zip(*values, strict=True), zip(*margins, strict=True), strict=True)
        elites = []
        for attempt, (rewards, (win, *due)) in zip(attempts, told, strict=True):
            fitness = min([win, *(-margin for margin in due)])
            elites.append(Elite(attempt, fitness, self._find(attempt, *rewards) if fitness > 0 else None))
        return elites

    def reads(self, attempt: Attempt) -> bool:
        """Return whether an attempt is short enough."""
        is_short = len(attempt.completion.split()) <= self.params.max_words
        return is_short and self.fits([self.conversation(attempt)])[0]

    def conversation(self, attempt: Attempt) -> Conversation:
        """Return the prompt's messages and the attempt in the place of the last message of the rejected side."""
        return self.rows[attempt.place]["prompt"] + self._completion(attempt)

    def _completion(self, attempt: Attempt) -> Conversation:
        *before, last = self.rows[attempt.place]["rejected"]
        return [*before, {**last, "content": attempt.completion}]

    def _find(self, attempt: Attempt, reward: float, trusted: float | None = None) -> Find:
        row = self.rows[attempt.place]
        return Find(row["prompt"], self._completion(attempt), reward, trusted, row["chosen"], True)


def search(rows: Sequence[Row], ground: Ground, params: Params) -> Found:
    """Fill an archive from the rejected sides of pairs that the reward orders rightly.

    What was tried are the cells that were reached, what was found those whose best text the reward prefers to the
    chosen side although it is worse: by `trusted`, or else because it is made of a rejected side by edits that answer
    nothing. The plain way is one mutation at a time, with as many calls.

    Raises:
        Mistake: the reward orders no pair rightly.
    """
    score, trusted = Memory(ground.score), Memory(ground.trusted) if ground.trusted else None
    sound = ordered_rightly(spread(rows, params.num_pairs), score, trusted, params.max_words)
    arena = Arena(sound, score, trusted, params, ground.fits)
    refuse_no_rows(arena.rows, "the reward prefers no chosen side of at most max_words words; name more pairs")
    axes = [AXES[name] for name in params.axes]
    archive = explore(arena, axes, params.mutations, ground.seed)
    single = explore(arena, axes, 1, ground.seed) if params.compare else {}
    finds, plain = ([elite.find for elite in one.values() if elite.find] for one in (archive, single))
    return Found(distinct(finds), len(archive), len(finds), len(single), len(plain), len(score.known))


def ordered_rightly(rows: Sequence[Row], score: Memory, trusted: Memory | None, max_words: int) -> list[Row]:
    """Return the pairs whose chosen side both rewards prefer: what is found there, a mutation has made."""
    rows = [row for row in rows if len(row["rejected"][-1]["content"].split()) <= max_words]
    for judge in (score, trusted):
        if judge:
            chosen, rejected = (judge([row["prompt"] + row[side] for row in rows]) for side in ("chosen", "rejected"))
            rows = [row for row, is_right in zip(rows, (chosen > rejected).tolist(), strict=True) if is_right]
    return rows


def explore(arena: Arena, axes: Sequence[Axis], mutations: int, seed: int) -> dict[Cell, Elite]:
    """Return the archive after so many calls: the best attempt of each cell, where the axes are the cells' sides."""
    params, rng = arena.params, random.Random(derive_seed(seed, NAME, mutations))
    archive: dict[Cell, Elite] = {}
    seen: set[tuple[int, str]] = set()
    calls = barren = 0
    while calls < params.num_calls and barren < NUM_BARREN:
        rounds = math.ceil(min(params.batch_size, params.num_calls - calls) / mutations)
        litters = [_litter(arena, archive, mutations, seen, rng) for _ in range(rounds)]
        children = [child for litter in litters for child in litter]
        barren = 0 if children else barren + 1
        calls += len(children)
        judged = iter(arena.judge(children))
        for litter in filter(None, litters):
            best = max((next(judged) for _ in litter), key=lambda elite: elite.fitness)
            cell = tuple(axis(best.attempt) for axis in axes)
            if cell not in archive or best.fitness > archive[cell].fitness:
                archive[cell] = best
    return archive


def _litter(
    arena: Arena, archive: Mapping[Cell, Elite], mutations: int, seen: set[tuple[int, str]], rng: random.Random
) -> list[Attempt]:
    """Return some new mutations of one parent in one style; fewer, or none, where there are no more."""
    params, parent = arena.params, _parent(arena, archive, rng)
    how = _style(params, archive, rng)
    found: list[Attempt] = []
    for _ in range(NUM_DRAWS * mutations):
        child = mutate(parent, how, arena.rows, rng)
        if child is None or not arena.reads(child):
            continue
        near = [parent.completion, *(one.completion for one in found)]
        is_known = (child.place, child.completion) in seen
        if not is_known and all(likeness(child.completion, text) <= params.most_similar for text in near):
            seen.add((child.place, child.completion))
            found.append(child)
        if len(found) == mutations:
            break
    return found


def _parent(arena: Arena, archive: Mapping[Cell, Elite], rng: random.Random) -> Attempt:
    if archive and rng.random() >= arena.params.fresh_fraction:
        return rng.choice(list(archive.values())).attempt
    place = rng.randrange(len(arena.rows))
    row = arena.rows[place]
    return Attempt(place, row["prompt"][-1]["content"], row["rejected"][-1]["content"], "none")


def _style(params: Params, archive: Mapping[Cell, Elite], rng: random.Random) -> str:
    """Return a style, the likelier the poorer its fittest attempt; one that has none counts as the poorest."""
    names, best = params.styles or tuple(STYLES), dict[str, float]()
    for elite in archive.values():
        best[elite.attempt.style] = max(elite.fitness, best.get(elite.attempt.style, -math.inf))
    poorest = min(best.values(), default=0.0)
    weights = [math.exp((poorest - best.get(name, poorest)) / params.temperature) for name in names]
    return rng.choices(names, weights)[0]
