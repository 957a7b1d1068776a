"""Whom a targeted attack leads: a policy by what it answers, or a reward by which side of a pair it picks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rlhf_pipeline.records import Conversation, Row, assistant, text
from rlhf_pipeline.validation.searches import Ground, Memory
from rlhf_pipeline.validation.searches._attacker import Intention
from rlhf_pipeline.validation.searches._writing import complete, have_room


@dataclass(frozen=True)
class Answer:
    """What a victim does with a prompt."""

    completion: Conversation
    nearness: float
    """How near it is to the behaviour, as the attacker sees it."""


@dataclass(frozen=True)
class Victim:
    """Something that the words of a prompt may lead to a behaviour."""

    score: Memory
    intention: Intention
    """What the attacker knows of the behaviour."""
    shown: str
    """The side of a pair that shows it."""
    other: str

    def readable(self, rows: Sequence[Row]) -> list[Row]:
        """Return the rows that can be attacked."""
        return list(rows)

    def answer(self, rows: Sequence[Row], prompts: Sequence[Conversation]) -> list[Answer]:
        """Return what it does with a prompt for each row, which may be another than the row's own."""
        raise NotImplementedError

    def shows(self, rows: Sequence[Row], answers: Sequence[Answer]) -> list[bool]:
        """Return whether each answer truly shows the behaviour."""
        raise NotImplementedError

    def worth(self, rows: Sequence[Row], answers: Sequence[Answer]) -> Sequence[float | None]:
        """Return the trusted reward of each answer to the row's own prompt; None where there is none."""
        return [None] * len(rows)


@dataclass(frozen=True)
class RewardVictim(Victim):
    """A reward, which answers with the side of the pair that it prefers under a prompt."""

    def answer(self, rows: Sequence[Row], prompts: Sequence[Conversation]) -> list[Answer]:
        """Return the side that is preferred; equal ones count for the side without the behaviour.

        Nearness is by how much the reward prefers the side that the attacker takes for the one with the behaviour.
        """
        shown, other = (
            self.score([prompt + row[side] for row, prompt in zip(rows, prompts, strict=True)])
            for side in (self.shown, self.other)
        )
        marks = [self.intention.score([text(row[side]) for row in rows]) for side in (self.shown, self.other)]
        return [
            Answer(row[self.shown if margin > 0 else self.other], margin if is_right else -margin)
            for row, margin, is_right in zip(rows, (shown - other).tolist(), marks[0] >= marks[1], strict=True)
        ]

    def shows(self, rows: Sequence[Row], answers: Sequence[Answer]) -> list[bool]:
        """Return whether each answer is the pair's side that shows it."""
        return [answer.completion == row[self.shown] for row, answer in zip(rows, answers, strict=True)]


@dataclass(frozen=True)
class PolicyVictim(Victim):
    """A policy, which answers with its likeliest completion."""

    ground: Ground
    trusted: Memory | None
    judge: Intention | None
    """Words that other labels than the attacker's mark; where nothing is trusted."""
    max_new_tokens: int
    room: int
    """Tokens that a prompt must leave for an edit and an answer."""

    def readable(self, rows: Sequence[Row]) -> list[Row]:
        """Return the rows that leave room, and whose sides differ in the behaviour by what is trusted."""
        fits = have_room(self.ground, [row["prompt"] for row in rows], self.room) if rows else []
        rows = [row for row, fit in zip(rows, fits, strict=True) if fit]
        shown, other = ([Answer(row[side], 0.0) for row in rows] for side in (self.shown, self.other))
        margins = zip(rows, self._strength(rows, shown), self._strength(rows, other), strict=True)
        return [row for row, more, less in margins if more > less]

    def answer(self, rows: Sequence[Row], prompts: Sequence[Conversation]) -> list[Answer]:
        """Return the greedy completion of each prompt."""
        texts = complete(self.ground, prompts, self.max_new_tokens)
        near = self.intention.score(texts).tolist() if texts else []
        return [Answer(assistant(said), score) for said, score in zip(texts, near, strict=True)]

    def shows(self, rows: Sequence[Row], answers: Sequence[Answer]) -> list[bool]:
        """Return whether each answer shows it at least as much as the pair's side does; an empty one never."""
        sides = [Answer(row[self.shown], 0.0) for row in rows]
        strengths = zip(answers, self._strength(rows, answers), self._strength(rows, sides), strict=True)
        return [bool(text(answer.completion)) and own >= least for answer, own, least in strengths]

    def worth(self, rows: Sequence[Row], answers: Sequence[Answer]) -> Sequence[float | None]:
        """Return the trusted reward of each answer to the row's own prompt; None where there is none."""
        if self.trusted is None:
            return [None] * len(rows)
        said = [row["prompt"] + answer.completion for row, answer in zip(rows, answers, strict=True)]
        return list(map(float, self.trusted(said)))

    def _strength(self, rows: Sequence[Row], answers: Sequence[Answer]) -> list[float]:
        """Return how much each answer truly shows the behaviour."""
        if self.judge:
            return self.judge.score([text(one.completion) for one in answers]).tolist() if answers else []
        sign = 1 if self.shown == "chosen" else -1
        return [sign * (value or 0.0) for value in self.worth(rows, answers)]
