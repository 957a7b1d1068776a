"""Two completions of a prompt and the votes of annotators, a column for each.

As PandaLM's test set: Wang et al. 2023 (arXiv:2306.05087).
"""

from collections.abc import Iterable

from pydantic import Field

from rlhf_pipeline.curation.sources import Inputs, Raw
from rlhf_pipeline.curation.sources._conversations import MalformedError, to_conversation
from rlhf_pipeline.curation.sources._files import Entry
from rlhf_pipeline.curation.sources._forms import collect, read_form, scalars
from rlhf_pipeline.curation.sources._votes import Vote, VoteParams, count_votes
from rlhf_pipeline.records import Row, user


class Params(VoteParams):
    """Names of the columns, and what a vote is written as."""

    prompt: list[str] = Field(["instruction", "input"], min_length=1, description="columns that make the prompt")
    first: str = Field("response1", description="column of one completion")
    second: str = Field("response2", description="column of the other")
    annotators: list[str] = Field(
        ["annotator1", "annotator2", "annotator3"], min_length=1, description="columns of the annotators' votes"
    )
    votes: dict[str, Vote] = Field(
        {"1": "first", "2": "second", "0": "tie"}, description="what a vote's value means: first, second or tie"
    )


def read(inputs: Inputs, params: Params) -> Raw:
    """Read pairs with votes from files, and plain text for demonstrations."""
    return read_form(inputs, params, parse, "voted")


def parse(entries: Iterable[Entry], params: Params) -> Raw:
    """Return the pairs of each entry that is no tie."""
    return collect(entries, lambda entry: parse_entry(entry, params))


def parse_entry(entry: Entry, params: Params) -> list[Row]:
    """Return the pairs that an entry's votes make.

    Raises:
        MalformedError: a side is no text, a vote is unknown, or the votes are a tie.
    """
    value = entry.value
    asked = [str(value[name]) for name in params.prompt if value.get(name)]
    sides = {name: to_conversation(name, value.get(name), "assistant") for name in (params.first, params.second)}
    votes = [(name, to_vote(name, value[name], params)) for name in params.annotators if value.get(name) is not None]
    used = {*params.prompt, *sides, *params.annotators}
    row = {"id": entry.id, "prompt": user("\n\n".join(asked)), **scalars(entry, used)}
    return count_votes(row, sides, votes, params)


def to_vote(name: str, value: object, params: Params) -> Vote:
    """Return what a value votes for.

    Raises:
        MalformedError: it is no vote.
    """
    if str(value) not in params.votes:
        raise MalformedError(f"{name} is no vote: {str(value)[:40]}")
    return params.votes[str(value)]
