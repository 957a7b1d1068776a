"""Messages of conversations, one per row, put together as the trees that they were."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import replace

from rlhf_pipeline.curation.sources._files import Entry
from rlhf_pipeline.records import Row

Key = tuple[str, str]  # a tree and a message in it


def as_trees(entries: Iterable[Entry]) -> Iterator[Entry]:
    """Yield entries that are trees as they are, then one for each tree of the messages among them.

    A message that is in no tree is yielded with the reason as its error: it was deleted, repeats another, or answers
    one that is not there.
    """
    messages: dict[Key, Entry] = {}
    for entry in entries:
        if entry.error or not is_message(entry.value):
            yield entry
        elif entry.value.get("deleted"):
            yield replace(entry, error="the message is deleted")
        elif (key := _key(entry)) in messages:
            yield replace(entry, error=f"repeats message {messages[key].id}")
        else:
            messages[key] = entry
    yield from _put_together(messages)


def is_message(value: Row) -> bool:
    """Return whether a record is one message of a tree, and no tree."""
    return "message_id" in value and "message_tree_id" in value and "prompt" not in value


def _put_together(messages: dict[Key, Entry]) -> Iterator[Entry]:
    answers: dict[Key, list[Entry]] = defaultdict(list)
    roots = []
    for entry in messages.values():
        if (parent := entry.value.get("parent_id")) is None:
            roots.append(entry)
        else:
            answers[str(entry.value["message_tree_id"]), str(parent)].append(entry)
    placed: set[Key] = set()
    for root in roots:
        tree = {"message_tree_id": root.value["message_tree_id"], "prompt": _grow(root, answers, placed)}
        yield replace(root, value=tree)
    for key, entry in messages.items():
        if key not in placed:
            yield replace(entry, error="the message answers one that is deleted or not there")


def _grow(entry: Entry, answers: dict[Key, list[Entry]], placed: set[Key]) -> Row:
    """Return a message with its replies, and theirs."""
    placed.add(_key(entry))
    return {**entry.value, "replies": [_grow(reply, answers, placed) for reply in answers[_key(entry)]]}


def _key(entry: Entry) -> Key:
    return str(entry.value["message_tree_id"]), str(entry.value["message_id"])
