"""Preference pairs of one's own, in TRL's forms, from JSON lines, JSON lists or parquet.

`prompt`, `chosen`, `rejected`, or `chosen` and `rejected` as whole conversations; plain text or messages. All other
columns are kept: `margin`, `annotator`, `slice`, `split` and `group` have the meaning that the other stages know, and
`curation.group` may name any column.
"""

from collections.abc import Iterable
from typing import Any

from pydantic import Field

from rlhf_pipeline.curation.sources import Inputs, Raw
from rlhf_pipeline.curation.sources._conversations import MalformedError, shared_prompt, with_prompt
from rlhf_pipeline.curation.sources._files import Entry
from rlhf_pipeline.curation.sources._forms import collect, read_form
from rlhf_pipeline.curation.sources._texts import TextParams
from rlhf_pipeline.records import Row


class Params(TextParams):
    """Names of the columns, and how much plain text joins the chosen replies as demonstrations."""

    prompt: str = Field(
        "prompt", description="column of the prompt; may be absent: then the sides are whole conversations"
    )
    chosen: str = Field("chosen", description="column of the preferred side")
    rejected: str = Field("rejected", description="column of the other side")
    margin: str = Field("margin", description="column of the preference's strength, >= 0; may be absent")


def read(inputs: Inputs, params: Params) -> Raw:
    """Read pairs from files, and plain text for demonstrations."""
    return read_form(inputs, params, parse, "pairs")


def parse(entries: Iterable[Entry], params: Params) -> Raw:
    """Return each entry as a pair."""
    return collect(entries, lambda entry: [parse_pair(entry, params)])


def parse_pair(entry: Entry, params: Params) -> Row:
    """Return an entry as a pair.

    Raises:
        MalformedError: its sides, prompt or margin are not what they should be.
    """
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
