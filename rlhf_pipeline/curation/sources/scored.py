"""A prompt with several completions and a score for each, as UltraFeedback: Cui et al. 2023 (arXiv:2310.01377).

The completions stand in one list of objects, or each in a column beside the column of its score. Which of them are
paired is a rule: `best_random` is that of Tunstall et al. 2023 (arXiv:2310.16944).
"""

from collections.abc import Iterable, Iterator
from typing import Any

from pydantic import Field

from rlhf_pipeline.curation.sources import Inputs, Raw
from rlhf_pipeline.curation.sources._conversations import MalformedError, to_conversation
from rlhf_pipeline.curation.sources._files import Entry
from rlhf_pipeline.curation.sources._forms import collect, read_form, scalars
from rlhf_pipeline.curation.sources._pairing import PairingParams, Scored, pair_up, to_score
from rlhf_pipeline.records import Row


class Params(PairingParams):
    """Names of the columns, and which completions become pairs."""

    prompt: str = Field("instruction", description="column of the prompt")
    completions: str = Field("completions", description="column of the list of completions")
    text: str = Field("response", description="the text's key in an object of that list")
    score: str = Field("overall_score", description="the score's key in an object of that list")
    columns: dict[str, str] = Field({}, description="instead of a list: each completion's column, and its score's")


def read(inputs: Inputs, params: Params) -> Raw:
    """Read scored completions from files, and plain text for demonstrations."""
    return read_form(inputs, params, parse, "scored")


def parse(entries: Iterable[Entry], params: Params) -> Raw:
    """Return the pairs of each entry's completions."""
    return collect(entries, lambda entry: parse_entry(entry, params))


def parse_entry(entry: Entry, params: Params) -> list[Row]:
    """Return the pairs of an entry.

    Raises:
        MalformedError: it has no completions, one is no text, a score is no number, or none differ enough.
    """
    prompt = to_conversation(params.prompt, entry.value.get(params.prompt), "user")
    found = [
        Scored(f"{entry.id}-{number}", to_conversation(place, said, "assistant"), to_score(place, score), place)
        for number, (place, said, score) in enumerate(_completions(entry, params), start=1)
    ]
    used = {params.prompt, params.completions, *params.columns, *params.columns.values()}
    return [row | scalars(entry, {*used, *row}) for row in pair_up(prompt, found, params)]


def _completions(entry: Entry, params: Params) -> Iterator[tuple[str, Any, Any]]:
    """Yield where each completion stands, its text and its score."""
    if params.columns:
        yield from ((name, entry.value.get(name), entry.value.get(score)) for name, score in params.columns.items())
        return
    listed = entry.value.get(params.completions)
    if not isinstance(listed, list) or not all(isinstance(item, dict) for item in listed):
        raise MalformedError(f"{params.completions} is no list of objects")
    for number, item in enumerate(listed, start=1):
        yield f"{params.completions}[{number}]", item.get(params.text), item.get(params.score)
