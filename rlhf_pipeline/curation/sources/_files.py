"""Entries of JSON lines, JSON lists (plain or gzip) and parquet; a broken one is yielded with its reason."""

import gzip
import json
import math
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from rlhf_pipeline.mistakes import Mistake, one_line
from rlhf_pipeline.records import FileError, Row

Record = tuple[Row, str | None]

LINES = (".jsonl", ".jsonl.gz")
LISTS = (".json", ".json.gz")
PARQUET = (".parquet",)
TABLES = (*LINES, *LISTS, *PARQUET)


class MissingFileError(Mistake, FileNotFoundError):
    """There is no file to read; says where and what to set."""


@dataclass(frozen=True)
class Entry:
    """One record of a file; `error` says why it is of no use; `value` holds the beginning of what is no object."""

    file: Path
    number: int
    value: Row
    error: str | None = None

    @property
    def id(self) -> str:
        """Return the file's name and the record's number, such as `helpful-00012`."""
        return f"{self.file.name.split('.')[0]}-{self.number:05d}"


def find_files(path: Path, endings: tuple[str, ...] = TABLES) -> list[Path]:
    """Return the file, or the folder's files with one of the endings, sorted.

    Raises:
        FileNotFoundError: there is none.
    """
    candidates = [path] if path.is_file() else sorted(path.rglob("*"))
    files = [file for file in candidates if file.is_file() and file.name.endswith(endings)]
    if not files:
        raise MissingFileError(f"no {' or '.join(endings)} file at {path}; set curation.input to a file or a folder")
    return files


def iterate_entries(file: Path) -> Iterator[Entry]:
    """Yield a file's records, numbered from 1.

    Raises:
        FileError: the file as a whole is torn, or not of the kind that its ending says.
    """
    forms = ((PARQUET, _parquet), (LISTS, _list))
    records = next((read for endings, read in forms if file.name.endswith(endings)), _lines)(file)
    try:
        for number, (value, error) in enumerate(records, start=1):
            yield Entry(file, number, value, error)
    except (EOFError, ValueError, gzip.BadGzipFile, zlib.error) as error:  # parquet's are of ValueError
        raise FileError(f"{file}: cannot be read: {one_line(error)}; copy or write the file again") from error


def _open(file: Path) -> IO[bytes]:
    return gzip.open(file, "rb") if file.name.endswith(".gz") else open(file, "rb")  # type: ignore[return-value]


def _lines(file: Path) -> Iterator[Record]:
    with _open(file) as lines:
        for number, line in enumerate(lines, start=1):
            if line.strip():
                yield _parse(line, number)


def _list(file: Path) -> Iterator[Record]:
    """Yield the objects of one JSON list; many a file of that ending holds JSON lines instead."""
    with _open(file) as opened:
        content = opened.read()
    try:
        values = json.loads(content)
    except ValueError as error:
        if content.lstrip()[:1] == b"[":
            raise ValueError(f"not JSON: {error}") from error
        values = None
    if isinstance(values, list):
        yield from map(_check, values)
    else:
        yield from _lines(file)


def _parse(line: bytes, number: int) -> Record:
    try:
        return _check(json.loads(line.rstrip(b"\r\n").decode("utf-8")))
    except json.JSONDecodeError as error:
        reason = f"not JSON: line {number} column {error.colno}: {error.msg}"
    except UnicodeDecodeError:
        reason = f"not UTF-8: line {number}"
    return {"line": line[:300].decode(errors="replace")}, reason


def _check(value: Any) -> Record:
    return (_finite(value), None) if isinstance(value, dict) else ({"line": str(value)[:300]}, "not a JSON object")


def _parquet(file: Path) -> Iterator[Record]:
    from pyarrow import parquet

    for batch in parquet.ParquetFile(file).iter_batches():
        for value in batch.to_pylist():
            yield plain(value), None


def plain(value: Row) -> Row:
    """Return a record as JSON would hold it: dates and such as text, NaN and infinity as None."""
    return dict(_finite(json.loads(json.dumps(value, default=str))))


def _finite(value: Any) -> Any:
    """Return the value with NaN and infinity as None: a file of ours holds neither."""
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
