"""Labels that were asked for: read beside whatever the chosen source gives, and made of the votes on an item."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from rlhf_pipeline.curation.identity import prompt_id
from rlhf_pipeline.curation.sources import Raw
from rlhf_pipeline.curation.sources._conversations import MalformedError
from rlhf_pipeline.curation.sources._files import LINES, Entry, find_files, iterate_entries
from rlhf_pipeline.curation.sources._votes import Vote, VoteParams, count_votes
from rlhf_pipeline.curation.sources.pairs import Params, parse
from rlhf_pipeline.methods import parse_settings
from rlhf_pipeline.records import Row

SIDES = ("first", "second")
ASKING = {"id", *SIDES, "topic", "disagreement", "margin", "is_failed"}
"""What an item holds for the asking alone; everything else goes into its pair."""


def add(raw: Raw, folder: Path, group: str) -> Raw:
    """Return what a source read with the labels of a folder, all of them in train.

    Where pairs are grouped by a column, labels that lack it are grouped by their prompt.
    """
    asked = parse(_entries(folder), parse_settings(Params, {}, "pairs"))
    columns = {} if group == "prompt" else {group: prompt_id}
    raw.pairs += [{**{name: of(row) for name, of in columns.items()}, **row, "split": "train"} for row in asked.pairs]
    raw.unreadable += asked.unreadable
    return raw


def to_pair(item: Row, votes: Sequence[tuple[str, Vote]], name: str) -> Row | None:
    """Return the pair that votes on an item make; None for a tie.

    Its `annotator` is the first who voted for the side that won.

    Args:
        item: `id`, `prompt`, `first`, `second`, and what its pair keeps: its group and where it was asked from.
        votes: annotators and what they voted for, one of each annotator.
        name: of the set of labels; part of the pair's id, for an item may be labelled again in another.
    """
    row = {"id": f"{name}-{item['id']}", **{key: value for key, value in item.items() if key not in ASKING}}
    try:
        pair = count_votes(row, {side: item[side] for side in SIDES}, votes, parse_settings(VoteParams, {}, "votes"))[0]
    except MalformedError:
        return None
    won = next(vote["annotator"] for vote in pair["votes"] if vote["vote"] == "chosen")
    return {**pair, "annotator": won}


def _entries(folder: Path) -> Iterator[Entry]:
    try:
        files = find_files(folder, LINES)
    except FileNotFoundError:
        return
    for file in files:
        yield from iterate_entries(file)
