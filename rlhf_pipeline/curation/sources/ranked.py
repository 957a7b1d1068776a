"""Trees of conversations whose replies are ranked, as OpenAssistant: Köpf et al. 2023 (arXiv:2304.07327).

Every message of the user with two ranked replies gives pairs, with the conversation up to it as the prompt. All pairs
of a tree are one group: they share its beginning. A file holds a tree per row, or a message per row.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from rlhf_pipeline.curation.sources import Inputs, Raw
from rlhf_pipeline.curation.sources._conversations import MalformedError
from rlhf_pipeline.curation.sources._files import Entry
from rlhf_pipeline.curation.sources._forms import collect, read_form
from rlhf_pipeline.curation.sources._messages import as_trees
from rlhf_pipeline.curation.sources._pairing import PairingParams, Scored, pair_up
from rlhf_pipeline.records import Conversation, Row, assistant

ROLES = {"prompter": "user", "assistant": "assistant"}


class Params(PairingParams):
    """Which replies become pairs; the score of a reply is its rank, negated."""


def read(inputs: Inputs, params: Params) -> Raw:
    """Read trees from files, and plain text for demonstrations."""
    return read_form(inputs, params, parse, "ranked")


def parse(entries: Iterable[Entry], params: Params) -> Raw:
    """Return the pairs of each tree's replies; messages of a row each are put together first."""
    return collect(as_trees(entries), lambda entry: parse_tree(entry, params))


def parse_tree(entry: Entry, params: Params) -> list[Row]:
    """Return the pairs of a tree.

    Raises:
        MalformedError: it is no tree of messages, or no message has two ranked replies.
    """
    group = str(entry.value.get("message_tree_id", entry.id))
    rows: list[Row] = []
    for prompt, replies in _forks(entry.value.get("prompt"), []):
        start = len(rows)
        scored = [
            Scored(f"{entry.id}-{start + number}", assistant(text), -float(rank), f"replies[{number}]")
            for number, (text, rank) in enumerate(replies, start=1)
        ]
        rows += pair_up(prompt, scored, params)
    if not rows:
        raise MalformedError("no message of the tree has two ranked replies")
    return [{**row, "group": group, "id": f"{entry.id}-{number}"} for number, row in enumerate(rows, start=1)]


def _forks(message: Any, before: Conversation) -> Iterator[tuple[Conversation, list[tuple[str, int]]]]:
    """Yield every conversation that ends with the user's message and has two ranked replies, with these."""
    if not isinstance(message, dict) or message.get("role") not in ROLES or not isinstance(message.get("text"), str):
        raise MalformedError("the tree holds something that is no message")
    said = [*before, {"role": ROLES[message["role"]], "content": message["text"]}]
    replies = [reply for reply in message.get("replies") or [] if not reply.get("deleted")]
    ranked = [(reply["text"], reply["rank"]) for reply in replies if reply.get("rank") is not None]
    if said[-1]["role"] == "user" and len(ranked) > 1:
        yield said, ranked
    for reply in replies:
        yield from _forks(reply, said)
