"""Transcripts of human preferences in the form of Anthropic's HH-RLHF: Bai et al. 2022 (arXiv:2204.05862).

Each entry holds two whole conversations, `chosen` and `rejected`, that differ in the assistant's last turn. Pairs whose
first question is the same are one group: several entries are later turns of the same conversation.
"""

import re
from collections.abc import Iterable
from itertools import pairwise
from typing import Any

from rlhf_pipeline.curation.sources import Inputs, Raw
from rlhf_pipeline.curation.sources._conversations import MalformedError
from rlhf_pipeline.curation.sources._files import Entry
from rlhf_pipeline.curation.sources._forms import collect, read_form
from rlhf_pipeline.curation.sources._texts import TextParams
from rlhf_pipeline.records import Conversation, Row, hash_text

TURN = re.compile(r"\n\n(Human|Assistant):")
ROLES = {"Human": "user", "Assistant": "assistant"}
SLICES = ("harmless", "helpful")


class Params(TextParams):
    """How much plain text joins the chosen replies as demonstrations."""


def read(inputs: Inputs, params: Params) -> Raw:
    """Read transcripts from files, and plain text for demonstrations."""
    return read_form(inputs, params, parse, "hh_rlhf")


def parse(entries: Iterable[Entry], params: Params) -> Raw:
    """Return the pairs of entries with two transcripts."""
    return collect(entries, lambda entry: [parse_pair(entry)])


def parse_pair(entry: Entry) -> Row:
    """Return an entry as a pair.

    Raises:
        MalformedError: it is no pair of transcripts that differ in the last turn only.
    """
    chosen, rejected = (parse_transcript(name, entry.value.get(name)) for name in ("chosen", "rejected"))
    if chosen[:-1] != rejected[:-1]:
        raise MalformedError("the sides part before the last turn")
    row = {"id": entry.id, "group": hash_text(" ".join(chosen[0]["content"].lower().split())), "prompt": chosen[:-1]}
    row |= {"chosen": chosen[-1:], "rejected": rejected[-1:]}
    slices = [{"slice": name} for name in SLICES if name in entry.file.name]
    return row | (slices[0] if slices else {})


def parse_transcript(name: str, transcript: Any) -> Conversation:
    """Return a transcript's turns: the human's and the assistant's by turns, the assistant's last.

    Raises:
        MalformedError: it is not such a transcript.
    """
    if not isinstance(transcript, str):
        raise MalformedError(f"{name} is not text: {type(transcript).__name__}")
    before, *parts = TURN.split(transcript)
    speakers, contents = parts[0::2], parts[1::2]
    if before.strip() or not speakers or speakers[0] != "Human":
        raise MalformedError(f"{name} does not begin with a human turn")
    if any(a == b for a, b in pairwise(speakers)):
        raise MalformedError(f"{name} has two turns of one speaker in a row")
    if speakers[-1] != "Assistant":
        raise MalformedError(f"{name} does not end with an assistant turn")
    return [{"role": ROLES[s], "content": c.strip()} for s, c in zip(speakers, contents, strict=True)]
