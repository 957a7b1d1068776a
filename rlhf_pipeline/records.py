"""Rows and the files they live in.

Every text is conversational, as TRL's datasets are: a list of `{"role", "content"}` messages.
"""

import csv
import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

Message = dict[str, str]
Conversation = list[Message]
Row = dict[str, Any]


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
        ValueError: a line is not JSON; names file and line.
    """
    with open(path, encoding="utf-8") as lines:
        for number, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            try:
                yield json.loads(line)
            except json.JSONDecodeError as error:
                raise ValueError(f"{path}:{number}: not JSON: {error.msg}") from error


def read_rows(path: Path | str) -> list[Row]:
    """Return all rows of a JSON lines file; see `iterate_rows`."""
    return list(iterate_rows(path))


def write_rows(path: Path | str, rows: Iterable[Row]) -> int:
    """Write rows as JSON lines, keys in their order, and return how many."""
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    count = 0
    with open(path, "w", encoding="utf-8") as lines:
        for row in rows:
            lines.write(json.dumps(row, ensure_ascii=False) + "\n")
            count += 1
    return count


def read_json(path: Path | str) -> Any:
    """Return what a JSON file holds."""
    return json.loads(Path(path).read_text(encoding="utf-8"))


def write_json(path: Path | str, value: Any) -> None:
    """Write a JSON file that compares well by lines; NaN and infinity are refused.

    Raises:
        ValueError: a number is not finite.
    """
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text(json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8")


def write_csv(path: Path | str, rows: Iterable[Mapping[str, Any]], columns: Sequence[str]) -> None:
    """Write a table as CSV; a cell that a row lacks stays blank, floats keep seven digits.

    Raises:
        ValueError: a row has a column that is not named.
    """
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w", encoding="utf-8", newline="") as lines:
        writer = csv.DictWriter(lines, columns, lineterminator="\n")
        writer.writeheader()
        for row in rows:
            writer.writerow({key: f"{cell:.7g}" if isinstance(cell, float) else cell for key, cell in row.items()})


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
