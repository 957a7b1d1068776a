"""What the forms of data share: entries in, rows out, and what is no row set aside with its reason."""

from collections.abc import Callable, Iterable
from typing import TypeVar

from rlhf_pipeline.curation.sources import Inputs, Raw
from rlhf_pipeline.curation.sources._conversations import MalformedError
from rlhf_pipeline.curation.sources._files import Entry, find_files, iterate_entries
from rlhf_pipeline.curation.sources._texts import TextParams, read_texts
from rlhf_pipeline.records import Row, derive_seed

ParamsT = TypeVar("ParamsT", bound=TextParams)


def read_form(inputs: Inputs, params: ParamsT, parse: Callable[[Iterable[Entry], ParamsT], Raw], name: str) -> Raw:
    """Parse the entries of all files of the input, and read plain text for demonstrations.

    Raises:
        FileNotFoundError: there is no file to read.
    """
    raw = parse((entry for file in find_files(inputs.input) for entry in iterate_entries(file)), params)
    raw.texts = read_texts(inputs.text, params, derive_seed(inputs.seed, name))
    return raw


def collect(entries: Iterable[Entry], parse_entry: Callable[[Entry], list[Row]]) -> Raw:
    """Return the rows of each entry as pairs; an entry that is broken or malformed becomes unreadable."""
    raw = Raw(pairs=[])
    for entry in entries:
        try:
            raw.pairs += parse_entry(sound(entry))
        except MalformedError as error:
            raw.unreadable.append(({**entry.value, "id": entry.id}, str(error)))  # a row is found by its number
    return raw


def sound(entry: Entry) -> Entry:
    """Return an entry that could be read.

    Raises:
        MalformedError: it could not.
    """
    if entry.error:
        raise MalformedError(entry.error)
    return entry


def scalars(entry: Entry, used: Iterable[str]) -> Row:
    """Return the columns of an entry that hold one value each, but those that are used already."""
    taken = {*used, "id", "prompt", "chosen", "rejected"}
    return {
        key: value for key, value in entry.value.items() if key not in taken and isinstance(value, str | int | float)
    }
