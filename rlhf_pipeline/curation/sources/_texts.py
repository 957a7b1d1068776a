"""Plain text as demonstrations: passages of books and stories, turns of dialogues.

A passage is shown as a conversation too: the user says its first sentence, the assistant goes on. So no part of the
pipeline needs a case for text without a prompt.
"""

import random
import re
from collections.abc import Iterator
from pathlib import Path

from pydantic import Field

from rlhf_pipeline.curation.sources._files import LINES, find_files, iterate_entries
from rlhf_pipeline.methods import MethodParams
from rlhf_pipeline.records import Conversation, Row, assistant, derive_seed, user

ENDINGS = (*LINES, ".txt")
SENTENCE = re.compile(r"(?<=[.!?])[\"”’')]*\s+")


class TextParams(MethodParams):
    """How much plain text joins the demonstrations."""

    num_text_chars: int = Field(1_500_000, ge=0, description="characters of plain text, shared evenly among the files")
    passage_chars: int = Field(600, ge=100, description="longest passage, in characters")
    context_turns: int = Field(3, ge=1, description="turns of a dialogue before the reply that is learned")


def read_texts(path: Path, params: TextParams, seed: int) -> list[Row]:
    """Return demonstrations drawn from the text files at a path; none where there are no such files."""
    try:
        files = find_files(path, ENDINGS) if params.num_text_chars else []
    except FileNotFoundError:
        return []
    drawn: list[Row] = []
    for file in files:
        rows = list(_demonstrations(file, params))
        random.Random(derive_seed(seed, "text", file.name)).shuffle(rows)
        drawn += _take(rows, params.num_text_chars // len(files))
    return drawn


def _take(rows: list[Row], num_chars: int) -> Iterator[Row]:
    for row in rows:
        num_chars -= sum(len(message["content"]) for message in row["prompt"] + row["completion"])
        if num_chars < 0:
            return
        yield row


def _demonstrations(file: Path, params: TextParams) -> Iterator[Row]:
    if file.name.endswith(".txt"):
        yield from passages(file.read_text(encoding="utf-8"), params.passage_chars)
        return
    for entry in iterate_entries(file):
        if "turns" in entry.value:
            yield from replies(entry.value["turns"], params.context_turns)
        else:
            yield from passages(str(entry.value.get("text", "")), params.passage_chars)


def passages(text: str, passage_chars: int) -> Iterator[Row]:
    """Yield demonstrations of whole sentences, each at most `passage_chars` long, in the text's order."""
    for paragraphs in _pack(_sentences(text), passage_chars):
        if len(paragraphs) > 1:
            yield {"prompt": user(paragraphs[0]), "completion": assistant(" ".join(paragraphs[1:]))}


def _sentences(text: str) -> Iterator[str]:
    for sentence in SENTENCE.split(text):
        if words := " ".join(sentence.split()):
            yield words


def _pack(sentences: Iterator[str], limit: int) -> Iterator[list[str]]:
    packed: list[str] = []
    for sentence in sentences:
        if packed and sum(map(len, packed)) + len(packed) + len(sentence) > limit:
            yield packed
            packed = []
        if len(sentence) <= limit:
            packed.append(sentence)
    yield packed


def replies(turns: list[list[str]], context_turns: int) -> Iterator[Row]:
    """Yield a demonstration of every reply to the first speaker of a dialogue of `[speaker, text]` turns."""
    first = turns[0][0] if turns else None
    conversation: Conversation = []
    for speaker, words in turns:
        role = "user" if speaker == first else "assistant"
        context = conversation[-context_turns:]
        # A template may demand that a conversation begins with the user.
        context = context[1:] if context and context[0]["role"] == "assistant" else context
        if role == "assistant" and context:
            yield {"prompt": context, "completion": assistant(words)}
        conversation.append({"role": role, "content": words})
