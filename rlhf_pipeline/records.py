"""Rows and the files they live in.

Every text is conversational, as TRL's datasets are: a list of `{"role", "content"}` messages.
"""

import csv
import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from rlhf_pipeline.mistakes import Mistake

Message = dict[str, str]
Conversation = list[Message]
Row = dict[str, Any]


class FileError(Mistake):
    """A file does not hold what it should; names the line."""


def user(content: str) -> Conversation:
    """Return a conversation of one user message."""
    return [{"role": "user", "content": content}]


def assistant(content: str) -> Conversation:
    """Return a conversation of one assistant message."""
    return [{"role": "assistant", "content": content}]


def text(conversation: Conversation) -> str:
    """Return the contents of all messages, one per line."""
    return "\n".join(message["content"] for message in conversation)


def iterate_rows(path: Path | str) -> Iterator[Row]:
    """Yield the rows of a JSON lines file.

    Raises:
        FileNotFoundError: there is no such file.
        FileError: a line is not JSON in UTF-8, or no object; names file and line.
    """
    with open(path, "rb") as lines:
        for number, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            row = _parse(path, line.rstrip(b"\r\n"), number)
            if not isinstance(row, dict):
                raise FileError(f"{path}:{number}: a {type(row).__name__}; write one JSON object per line")
            yield row


def read_rows(path: Path | str) -> list[Row]:
    """Return all rows of a JSON lines file; see `iterate_rows`."""
    return list(iterate_rows(path))


def read_some_rows(path: Path | str) -> list[Row]:
    """Return all rows of a JSON lines file, one at least; see `iterate_rows`.

    Raises:
        FileError: there is none.
    """
    rows = read_rows(path)
    if not rows:
        raise FileError(f"{path}: no rows; see the contract and dropped.jsonl in data/curation for why none is left")
    return rows


def write_rows(path: Path | str, rows: Iterable[Row]) -> int:
    """Write rows as JSON lines, keys in their order, and return how many."""
    count = 0
    with whole(path) as lines:
        for row in rows:
            lines.write(json.dumps(row, ensure_ascii=False) + "\n")
            count += 1
    return count


def read_json(path: Path | str) -> Any:
    """Return what a JSON file holds.

    Raises:
        FileNotFoundError: there is no such file.
        FileError: it is not JSON in UTF-8; names file and line.
    """
    return _parse(path, Path(path).read_bytes())


def write_json(path: Path | str, value: Any) -> None:
    """Write a JSON file that compares well by lines; NaN and infinity are refused.

    Raises:
        ValueError: a number is not finite.
    """
    with whole(path) as file:
        file.write(json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def write_csv(path: Path | str, rows: Iterable[Mapping[str, Any]], columns: Sequence[str]) -> None:
    """Write a table as CSV; a cell that a row lacks stays blank, floats keep seven digits.

    Raises:
        ValueError: a row has a column that is not named.
    """
    with whole(path) as lines:
        writer = csv.DictWriter(lines, columns, lineterminator="\n")
        writer.writeheader()
        for row in rows:
            writer.writerow({key: f"{cell:.7g}" if isinstance(cell, float) else cell for key, cell in row.items()})


@contextmanager
def whole(path: Path | str) -> Iterator[IO[str]]:
    """Give a file to write text to, which takes its name when all of it stands on the disk: it is whole or absent."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.part")
    try:
        with open(part, "w", encoding="utf-8", newline="") as file:
            yield file
        os.replace(part, path)
    except OSError as error:
        error.filename = str(path)
        raise
    finally:
        part.unlink(missing_ok=True)


def _parse(path: Path | str, content: bytes, line: int = 1) -> Any:
    """Return what JSON says; `line` is where its first line stands in the file."""
    try:
        return json.loads(content.decode("utf-8"))
    except UnicodeDecodeError as error:
        where = line + content.count(b"\n", 0, error.start)
        raise FileError(f"{path}:{where}: not UTF-8; save the file in that encoding") from error
    except json.JSONDecodeError as error:
        where, column = line + error.lineno - 1, error.colno
        raise FileError(f"{path}:{where}: not JSON at column {column}: {error.msg}; correct the line") from error


def derive_seed(seed: int, *names: str | int) -> int:
    """Return a seed below 2**31 for a named purpose, so that no two parts of a night share random numbers."""
    digest = hashlib.sha256("/".join(map(str, (seed, *names))).encode()).digest()
    return int.from_bytes(digest[:4], "big") >> 1


def hash_text(*parts: str) -> str:
    """Return a short stable id of some text."""
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:16]


def hash_folder(folder: Path | str) -> str:
    """Return one sha256 over the names and bytes of all files of a folder; of one file, over its bytes."""
    digest = hashlib.sha256()
    files = [Path(folder)] if Path(folder).is_file() else [p for p in Path(folder).rglob("*") if p.is_file()]
    for path in sorted(files):
        digest.update(str(path.relative_to(folder)).encode() + b"\0")
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()
