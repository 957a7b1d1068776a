"""Where a claim is measured: one seed's world, at one size, with what is made in it kept for the claims after."""

import json
import logging
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TextIO

from filelock import FileLock

from benchmarks.claims import fingerprints
from benchmarks.claims.sizes import FULL, Size
from rlhf_pipeline.records import derive_seed, hash_text

ROOT = Path(".cache/claims")


@dataclass(frozen=True)
class Lab:
    """A seed that redraws world, data and training."""

    seed: int
    size: Size = FULL
    root: Path = ROOT

    def derive(self, *names: str | int) -> int:
        """Return a seed of its own for a named purpose."""
        return derive_seed(self.seed, "claims", *names)

    def part(self, kind: str, make: Callable[[Path], None], code: tuple[str, ...], **what: Any) -> Path:
        """Return the folder of a part, made now where it is not there yet; what its making prints goes beside it.

        Args:
            kind: of part.
            make: writes it into the folder that it is given.
            code: files and folders of the library that make it; another syntax tree makes another part.
            what: all else that determines it beside seed and size.
        """
        described = {"seed": self.seed, "size": asdict(self.size), "code": fingerprints.library(*code), **what}
        folder = self.root / kind / hash_text(json.dumps(described, sort_keys=True))
        if not folder.exists():
            folder.parent.mkdir(parents=True, exist_ok=True)
            with FileLock(folder.with_suffix(".lock")):  # another process may be making it
                if not folder.exists():
                    self._make(folder, make)
        return folder

    def _make(self, folder: Path, make: Callable[[Path], None]) -> None:
        unfinished = folder.with_name(f"{folder.name}.unfinished")
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir()
        log = folder.with_suffix(".log")
        with open(log, "w", encoding="utf-8") as file, _printing_to(file):
            make(unfinished)
        unfinished.rename(folder)


@contextmanager
def _printing_to(file: TextIO) -> Iterator[None]:
    """Send what is printed to a file, and what transformers logs, whose handlers keep the stderr they first met."""
    import transformers.utils.logging  # noqa: F401

    handlers = [one for one in logging.getLogger("transformers").handlers if type(one) is logging.StreamHandler]
    before = [handler.setStream(file) for handler in handlers]
    try:
        with redirect_stdout(file), redirect_stderr(file):
            yield
    finally:
        for handler, stream in zip(handlers, before, strict=True):
            handler.setStream(stream or sys.stderr)
