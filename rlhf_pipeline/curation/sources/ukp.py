"""Which of two arguments convinces more, by votes of named workers, as UKPConvArg1.

Paper: Habernal and Gurevych 2016, Which argument is more convincing? (ACL).

Three files joined by id: votes on pairs of arguments, the arguments, and their topics. A few hundred arguments stand
behind thousands of pairs, so a debate, both of its stances, is one group.
"""

from collections.abc import Iterable

from rlhf_pipeline.curation.sources import Inputs, Raw
from rlhf_pipeline.curation.sources._conversations import MalformedError, to_conversation
from rlhf_pipeline.curation.sources._files import Entry
from rlhf_pipeline.curation.sources._forms import collect, read_form
from rlhf_pipeline.curation.sources._votes import Vote, VoteParams, count_votes
from rlhf_pipeline.records import Row, user

JOINS_FILES = True
VOTES: dict[str, Vote] = {"a1": "first", "a2": "second", "equal": "tie"}


class Params(VoteParams):
    """What a pair is."""


def read(inputs: Inputs, params: Params) -> Raw:
    """Read votes, arguments and topics from a folder, and plain text for demonstrations."""
    return read_form(inputs, params, parse, "ukp")


def parse(entries: Iterable[Entry], params: Params) -> Raw:
    """Return the pairs of the entries that hold votes; the others are what these name."""
    votes: list[Entry] = []
    arguments: dict[str, Row] = {}
    topics: dict[str, Row] = {}
    for entry in entries:
        if "title" in entry.value:
            topics[str(entry.value.get("topic_file"))] = entry.value
        elif "text" in entry.value:
            arguments[str(entry.value.get("id"))] = entry.value
        else:
            votes.append(entry)
    return collect(votes, lambda entry: parse_entry(entry, arguments, topics, params))


def parse_entry(entry: Entry, arguments: dict[str, Row], topics: dict[str, Row], params: Params) -> list[Row]:
    """Return the pairs that an entry's votes make.

    Raises:
        MalformedError: it names what is in no file, a vote is unknown, or the votes are a tie.
    """
    value = entry.value
    topic = _named(topics, value.get("topic_file"), "topic")
    sides = {side: _named(arguments, value.get(side), "argument").get("text") for side in ("a1", "a2")}
    said = {side: to_conversation(side, text, "assistant") for side, text in sides.items()}
    cast = [(str(vote.get("worker")), str(vote.get("value"))) for vote in value.get("votes") or []]
    unknown = [vote for _, vote in cast if vote not in VOTES]
    if unknown:
        raise MalformedError(f"unknown vote: {unknown[0][:40]}")
    debate = str(topic["title"])
    row: Row = {"id": entry.id, "group": debate, "topic": debate}
    row |= {"prompt": user(f"{debate}\nGive an argument for: {topic.get('stance')}")}
    return count_votes(row, said, [(name, VOTES[vote]) for name, vote in cast], params)


def _named(table: dict[str, Row], name: str | None, kind: str) -> Row:
    if name not in table:
        raise MalformedError(f"{kind} is in no file: {name}; the source reads the whole folder")
    return table[name]
