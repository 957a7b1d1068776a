"""Entries of JSON lines (plain or gzip) and parquet files. A broken entry is yielded with its reason, never raised."""

import gzip
import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rlhf_pipeline.records import Row

LINES = (".jsonl", ".jsonl.gz")
PARQUET = (".parquet",)


@dataclass(frozen=True)
class Entry:
    """One record of a file; `error` says why it is not an object, and `value` then holds its beginning."""

    file: Path
    number: int
    value: Row
    error: str | None = None

    @property
    def id(self) -> str:
        """Return the file's name and the record's number, such as `helpful-00012`."""
        return f"{self.file.name.split('.')[0]}-{self.number:05d}"


def find_files(path: Path, endings: tuple[str, ...]) -> list[Path]:
    """Return the file, or the folder's files with one of the endings, sorted.

    Raises:
        FileNotFoundError: there is none.
    """
    candidates = [path] if path.is_file() else sorted(path.rglob("*"))
    files = [file for file in candidates if file.is_file() and file.name.endswith(endings)]
    if not files:
        raise FileNotFoundError(f"no {' or '.join(endings)} file at {path}; set curation.input to a file or a folder")
    return files


def iterate_entries(file: Path) -> Iterator[Entry]:
    """Yield a file's records, numbered from 1."""
    records = _parquet(file) if file.name.endswith(PARQUET) else _lines(file)
    for number, (value, error) in enumerate(records, start=1):
        yield Entry(file, number, value, error)


def _lines(file: Path) -> Iterator[tuple[Row, str | None]]:
    with gzip.open(file, "rb") if file.name.endswith(".gz") else open(file, "rb") as lines:
        for line in lines:
            if line.strip():
                yield _parse(line)


def _parse(line: bytes) -> tuple[Row, str | None]:
    shown = {"line": line[:300].decode(errors="replace")}
    try:
        value = json.loads(line)
    except ValueError as error:  # of json, and of bytes that are not UTF-8
        return shown, f"not JSON: {error}"
    return (_finite(value), None) if isinstance(value, dict) else (shown, "not a JSON object")


def _parquet(file: Path) -> Iterator[tuple[Row, None]]:
    from pyarrow import parquet

    for batch in parquet.ParquetFile(file).iter_batches():
        for value in batch.to_pylist():
            yield _finite(json.loads(json.dumps(value, default=str))), None


def _finite(value: Any) -> Any:
    """Return the value with NaN and infinity as None: a file of ours holds neither."""
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
