"""What is compared, and the table of distinct conversations that each reward model scores once."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from rlhf_pipeline.records import Conversation, Row

T = TypeVar("T")
Fits = Callable[[Sequence[Conversation]], list[bool]]
"""Tells of each conversation whether every reward model can read it whole."""


def everything_fits(conversations: Sequence[Conversation]) -> list[bool]:
    """Return that each conversation can be read whole."""
    return [True] * len(conversations)


@dataclass(frozen=True)
class Inputs:
    """The rows that an audit may read; as docs/decisions/2026-11-21-spine.md says."""

    test: Sequence[Row] = ()
    validation: Sequence[Row] = ()
    contrast: Sequence[Row] = ()
    single_edits: Sequence[Row] = ()
    demonstrations: Sequence[Row] = ()
    """What the policy was taught to say; nobody judged it."""
    fits: Fits = everything_fits


@dataclass(frozen=True)
class Comparison:
    """Two conversations of the table, the first of which should score higher."""

    id: str
    better: int
    worse: int
    cluster: str
    """Rows of one cluster are not independent and are resampled together."""
    slice: str | None = None
    """A named part of the items that is also reported on its own."""


@dataclass
class Table:
    """Distinct conversations in the order of their first use. Equal texts are scored once."""

    conversations: list[Conversation] = field(default_factory=list)
    prompts: list[str] = field(default_factory=list)
    """The prompt of each conversation, as a key: the group within which rewards are normalised."""
    is_reference: list[bool] = field(default_factory=list)
    """Whether each is an ordinary completion, which the baseline of its prompt is taken over."""
    num_prompt_messages: list[int] = field(default_factory=list)
    asked: dict[tuple[int, int], int] = field(default_factory=dict)
    """The number of each pair of rows that a judge compares, in both orders; numbers go up from 0."""
    _rows: dict[str, int] = field(default_factory=dict)

    def add(self, prompt: Conversation, completion: Conversation, is_reference: bool = True) -> int:
        """Return the row of a conversation, added where it is new."""
        key = json.dumps([prompt, completion])
        row = self._rows.setdefault(key, len(self.conversations))
        if row == len(self.conversations):
            self.conversations.append([*prompt, *completion])
            self.prompts.append(prompt_key(prompt))
            self.is_reference.append(False)
            self.num_prompt_messages.append(len(prompt))
        self.is_reference[row] |= is_reference
        return row

    def ask(self, first_row: int, second_row: int) -> int:
        """Return the number of a pair of rows to be compared in both orders, entered where it is new.

        Raises:
            ValueError: they answer different prompts, or are one row.
        """
        if first_row == second_row or self.prompts[first_row] != self.prompts[second_row]:
            raise ValueError(f"rows {first_row} and {second_row} are not two completions of one prompt")
        return self.asked.setdefault((first_row, second_row), len(self.asked))

    def prompt(self, row: int) -> Conversation:
        """Return the prompt of a conversation."""
        return self.conversations[row][: self.num_prompt_messages[row]]

    def completion(self, row: int) -> Conversation:
        """Return the completion of a conversation."""
        return self.conversations[row][self.num_prompt_messages[row] :]


def prompt_key(prompt: Conversation) -> str:
    """Return what equal prompts share."""
    return json.dumps(prompt)


def cluster_of(row: Row) -> str:
    """Return what rows share that are not independent: their group, or their prompt."""
    return str(row.get("group") or prompt_key(row["prompt"]))


def spread(rows: Sequence[T], limit: int) -> list[T]:
    """Return at most `limit` rows, evenly spread over all: a file's first rows may be of one kind."""
    taken = min(limit, len(rows))
    return [rows[i * len(rows) // taken] for i in range(taken)]


def add_pairs(rows: Sequence[Row], table: Table) -> list[Comparison]:
    """Return chosen against rejected of each pair; clusters are the pairs' groups, or their prompts."""
    return [
        Comparison(
            id=row["id"],
            better=table.add(row["prompt"], row["chosen"]),
            worse=table.add(row["prompt"], row["rejected"]),
            cluster=cluster_of(row),
            slice=row.get("slice"),
        )
        for row in rows
    ]
