"""Times every stage process that runs while this folder is on PYTHONPATH, without the stage knowing.

Python imports `sitecustomize` by itself at start. At its end a stage process adds one line to the file that
`RLHF_STAGE_CLOCK` names: its stage, when it began and ended, and the seconds it spent on imports.
"""

import atexit
import json
import os
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

BEGUN = time.time()


def stage_name(argv: list[str]) -> str | None:
    """Return `sft@first` for `python -m tasks.sft first`, and None for a process that is no stage."""
    if len(argv) < 3 or argv[1] != "-m" or not argv[2].startswith("tasks."):
        return None
    return "@".join([argv[2].removeprefix("tasks."), *argv[3:]])


class ImportClock:
    """Sums the seconds of imports, nested ones once."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.inside = threading.local()

    def timed(self, load: Callable[..., Any]) -> Callable[..., Any]:
        """Return Python's own loader of modules with the clock around it; modules already loaded never get here."""

        def load_and_time(*arguments: Any, **named: Any) -> Any:
            if getattr(self.inside, "depth", 0):
                return load(*arguments, **named)
            self.inside.depth, begun = 1, time.perf_counter()
            try:
                return load(*arguments, **named)
            finally:
                self.inside.depth = 0
                self.seconds += time.perf_counter() - begun

        return load_and_time


def watch(path: str, stage: str) -> None:
    """Time this process's imports and write its line when it ends."""
    import _frozen_importlib

    loader: Any = _frozen_importlib  # every import of a module not yet loaded goes through this one private function
    clock, process = ImportClock(), os.getpid()
    loader._find_and_load = clock.timed(loader._find_and_load)

    def write() -> None:
        if os.getpid() != process:  # a fork of the stage is not the stage
            return
        line = {"stage": stage, "begun": BEGUN, "ended": time.time(), "import_seconds": clock.seconds}
        with open(path, "a", encoding="utf-8") as lines:
            lines.write(json.dumps(line) + "\n")

    atexit.register(write)


if (clock_file := os.environ.get("RLHF_STAGE_CLOCK")) and (own_stage := stage_name(sys.orig_argv)):
    watch(clock_file, own_stage)
