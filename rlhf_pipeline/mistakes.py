"""Mistakes: what a user can cause and mend, told in one line. Anything else is a bug and keeps its traceback.

A stage runs inside `told`, the one place that makes a line of a mistake. The line says what is wrong, where, and what
to write instead.
"""

import errno
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager

INTERRUPTED = 130
IN_TEXT = re.compile(r"\(os error (\d+)\)")  # as safetensors says it, whose error is no OSError
NO_MEMORY = ("can't allocate memory", "not enough memory", "out of memory")
REMEDIES = {
    errno.ENOENT: "there is no such file; write a path that exists",
    errno.EISDIR: "this is a folder; name a file",
    errno.ENOTDIR: "a part of this path is a file; name a folder",
    errno.EEXIST: "a file is where a folder should be; move it away",
    errno.EACCES: "not allowed; give yourself the right to read and write it",
    errno.EPERM: "not allowed; give yourself the right to read and write it",
    errno.EROFS: "the file system is read-only; mount it for writing, or move the project",
    errno.ENOSPC: "no space left on the disk; free some and run again",
    errno.EDQUOT: "your share of the disk is full; free some and run again",
    errno.EFBIG: "the file would be larger than this machine allows; raise the limit (ulimit -f)",
}


class Mistake(ValueError):
    """What a user can cause and mend; its text says what is wrong, where, and what to write instead."""


def describe(error: BaseException, lower: str = "") -> str | None:
    """Return a mistake in one line, or None where the error is a bug.

    Args:
        error: what was raised.
        lower: settings that take memory, named where there is too little.
    """
    if isinstance(error, Mistake):
        return one_line(error)
    if isinstance(error, KeyboardInterrupt):
        return "interrupted; run again: what is done stays, and a training goes on from its last checkpoint"
    if is_too_little_memory(error):
        return f"too little memory; lower {lower}" if lower else "too little memory; close other programs"
    found = IN_TEXT.search(str(error))
    number = int(found[1]) if found else getattr(error, "errno", None)
    if number in REMEDIES:
        return f"{getattr(error, 'filename', None) or 'an output'}: {REMEDIES[number]}"
    return None


def is_too_little_memory(error: BaseException) -> bool:
    """Return whether memory ran out, the machine's or a GPU's."""
    return isinstance(error, MemoryError) or any(words in str(error) for words in NO_MEMORY)


def one_line(error: BaseException) -> str:
    """Return the text of an error without its line breaks."""
    return " ".join(str(error).split())


@contextmanager
def told(lower: str = "") -> Iterator[None]:
    """End the process with one line on stderr where a mistake was made, status 1; with 130 where it was interrupted.

    Raises:
        SystemExit: a mistake, or Ctrl-C.
    """
    try:
        yield
    except (Exception, KeyboardInterrupt) as error:
        line = describe(error, lower)
        if line is None:
            raise
        print(f"error: {line}", file=sys.stderr)
        raise SystemExit(INTERRUPTED if isinstance(error, KeyboardInterrupt) else 1) from error
