"""Preference pairs of one's own, as JSON lines or parquet, in TRL's forms.

`prompt`, `chosen`, `rejected`, or `chosen` and `rejected` as whole conversations; plain text or messages. All other
columns are kept: `margin`, `annotator`, `slice`, `split` and `group` have the meaning that the other stages know, and
`curation.group` may name any column.
"""

from typing import Any

from pydantic import Field

from rlhf_pipeline.curation.sources import Inputs, Raw
from rlhf_pipeline.curation.sources._conversations import MalformedError, shared_prompt, with_prompt
from rlhf_pipeline.curation.sources._files import LINES, PARQUET, Entry, find_files, iterate_entries
from rlhf_pipeline.curation.sources._texts import TextParams, read_texts
from rlhf_pipeline.records import Row, derive_seed


class Params(TextParams):
    """Names of the columns, and how much plain text joins the chosen replies as demonstrations."""

    prompt: str = Field(
        "prompt", description="column of the prompt; may be absent: then the sides are whole conversations"
    )
    chosen: str = Field("chosen", description="column of the preferred side")
    rejected: str = Field("rejected", description="column of the other side")
    margin: str = Field("margin", description="column of the preference's strength, >= 0; may be absent")


def read(inputs: Inputs, params: Params) -> Raw:
    """Read pairs from *.jsonl, *.jsonl.gz and *.parquet, and plain text for demonstrations."""
    raw = Raw(pairs=[], texts=read_texts(inputs.text, params, derive_seed(inputs.seed, "pairs")))
    for file in find_files(inputs.input, (*LINES, *PARQUET)):
        for entry in iterate_entries(file):
            try:
                raw.pairs.append(parse_pair(entry, params))
            except MalformedError as error:
                raw.unreadable.append(({"id": entry.id, **entry.value}, str(error)))
    return raw


def parse_pair(entry: Entry, params: Params) -> Row:
    """Return an entry as a pair.

    Raises:
        MalformedError: its sides, prompt or margin are not what they should be.
    """
    if entry.error:
        raise MalformedError(entry.error)
    columns = {key: value for key, value in entry.value.items() if value is not None}
    prompt, chosen, rejected, margin = (
        columns.pop(name, None) for name in (params.prompt, params.chosen, params.rejected, params.margin)
    )
    # An explicit prompt may be a null in a parquet file whose rows are mixed.
    row = shared_prompt(chosen, rejected) if prompt is None else with_prompt(prompt, chosen, rejected)
    row |= {} if margin is None else {"margin": parse_margin(margin)}
    rest = {key: value for key, value in columns.items() if key not in row}
    return {"id": str(rest.pop("id", entry.id)), **row, **rest}


def parse_margin(value: Any) -> float:
    """Return a margin as a number.

    Raises:
        MalformedError: it is not a number of at least 0.
    """
    if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
        raise MalformedError(f"margin is no number of at least 0: {str(value)[:40]}")
    return float(value)
