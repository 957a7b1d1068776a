"""A data set of the Hugging Face hub, or a folder in its layout, in any of the other forms.

It only turns rows into entries and gives them to the form's `parse`. A night must be repeatable, so a revision is
demanded: a branch such as `main` moves, a commit's hash does not.
"""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from pydantic import Field

from rlhf_pipeline import hub, methods
from rlhf_pipeline.curation.sources import Inputs, Raw
from rlhf_pipeline.curation.sources._files import Entry, plain
from rlhf_pipeline.curation.sources._texts import read_texts
from rlhf_pipeline.methods import MethodError, MethodParams
from rlhf_pipeline.records import derive_seed


class Params(MethodParams):
    """Which data set, how much of it, and the form of its rows."""

    name: str = Field("", description="id on the hub, such as owner/name, or a local folder")
    revision: str = Field("", description="the commit's 40 digits; demanded of an id on the hub")
    config: str | None = Field(None, description="configuration of the data set; null: its only one")
    split: str = Field("train", description="split of the data set")
    streaming: bool = Field(False, description="read rows as they come, with no copy on disk: for large sets")
    max_rows: int | None = Field(None, ge=1, description="read no more rows than this; null: all")
    form: str = Field("pairs", description="the source that knows rows of this form")
    form_settings: dict[str, Any] = Field({}, description="settings of that source")


def read(inputs: Inputs, params: Params) -> Raw:
    """Read a data set, and plain text for demonstrations.

    Raises:
        MethodError: no data set is named, its revision is not pinned, or the form reads no entries.
    """
    check_pinned(params)
    form = methods.load("curation/sources", params.form)
    if not hasattr(form, "parse"):
        raise MethodError(
            f"settings of hub: form: '{params.form}' reads no entries; write pairs, scored or another form"
        )
    settings = methods.settings(form, params.form_settings)
    raw: Raw = form.parse(iterate_rows(params), settings)
    raw.texts = read_texts(inputs.text, settings, derive_seed(inputs.seed, "hub"))
    return raw


def check_pinned(params: Params) -> None:
    """Check that the same rows will be read again.

    Raises:
        MethodError: no data set is named, or the revision is no commit.
    """
    if not params.name:
        raise MethodError("settings of hub: name: write a data set's id, such as owner/name, or a local folder")
    if not Path(params.name).exists() and not hub.is_commit(params.revision):
        raise MethodError(
            f"settings of hub: revision: '{params.revision}' pins nothing for {params.name}; write the 40 digits of a "
            "commit, from the data set's page on the hub"
        )


def iterate_rows(params: Params) -> Iterator[Entry]:
    """Yield the rows of a data set as entries, numbered from 1."""
    from datasets import load_dataset

    pinned = {} if Path(params.name).exists() else {"revision": params.revision}
    rows = load_dataset(params.name, params.config, split=params.split, streaming=params.streaming, **pinned)
    source = Path(f"{Path(params.name).name.replace('.', '_')}-{params.split}")
    for number, row in enumerate(islice(rows, params.max_rows), start=1):
        yield Entry(source, number, plain(dict(row)))
