"""The contract alone, on files that no night has read yet: recognised, parsed, curated, judged, and what was found."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

from rlhf_pipeline import methods
from rlhf_pipeline.curation.contract import Contract, judge_contract
from rlhf_pipeline.curation.curate import Curated, curate
from rlhf_pipeline.curation.findings import Finding, find
from rlhf_pipeline.curation.recognise import Recognised, recognise
from rlhf_pipeline.curation.sources import Raw
from rlhf_pipeline.curation.sources._files import find_files, iterate_entries
from rlhf_pipeline.methods import MethodError
from rlhf_pipeline.params import Curation


@dataclass(frozen=True)
class Inspection:
    """How files were read, what curation made of them, and what was found."""

    recognised: Recognised
    curated: Curated
    contract: Contract
    findings: list[Finding]


def inspect(
    paths: Iterable[Path], source: str | None, settings: Mapping[str, Any], params: Curation, seed: int
) -> Inspection:
    """Run the contract on files.

    Args:
        paths: files, or folders of files; all of one form.
        source: how to read them; None: told by their columns.
        settings: of the source; beside those that recognition gives.
        params: filters, splits and bounds of the contract; its source and input are not read.
        seed: of the splits.

    Raises:
        FileNotFoundError: there is no file.
        MethodError: a file is not recognised, files are of two forms, or a setting does not exist.
    """
    files = list(dict.fromkeys(file for path in paths for file in find_files(path)))
    found = Recognised(source) if source else recognise_all(files)
    found = Recognised(found.source, {**found.settings, **settings})
    raw_by_file = read_files(files, found)
    # A column that this project groups by need not be in these files; what a source calls a group stays one.
    curated = curate(join(raw_by_file.values()), params.model_copy(update={"group": "prompt"}), seed)
    return Inspection(found, curated, judge_contract(curated, params.bounds, seed), find(curated, raw_by_file))


def recognise_all(files: list[Path]) -> Recognised:
    """Return the one way in which all files are read.

    Raises:
        MethodError: a file is not recognised, or two are of different forms.
    """
    ways = {file: recognise(file) for file in files}
    first = ways[files[0]]
    other = next((file for file, way in ways.items() if way != first), None)
    if other is not None:
        raise MethodError(
            f"{files[0].name} is {first.source} and {other.name} is {ways[other].source}: check them one by one"
        )
    return first


def read_files(files: list[Path], way: Recognised) -> dict[Path, Raw]:
    """Return what each file holds; files that are joined by id are one.

    Raises:
        MethodError: the source reads no files, or a setting does not exist.
    """
    source = methods.load("curation/sources", way.source)
    if not hasattr(source, "parse"):
        raise MethodError(f"source '{way.source}' reads no files; known forms: rlhf methods curation/sources")
    settings = methods.settings(source, way.settings)
    if getattr(source, "JOINS_FILES", False):
        return {files[0].parent: source.parse(chain.from_iterable(map(iterate_entries, files)), settings)}
    return {file: source.parse(iterate_entries(file), settings) for file in files}


def join(raws: Iterable[Raw]) -> Raw:
    """Return the pairs and the unreadable entries of several files as one."""
    joined = Raw(pairs=[])
    for raw in raws:
        joined.pairs += raw.pairs
        joined.unreadable += raw.unreadable
    return joined
