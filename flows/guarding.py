"""What every command does around its act: the project's folder, mistakes in one line, the exit code, the console."""

import os
from collections.abc import Callable
from pathlib import Path

import typer
from rich.console import Console

OK, FAILED, USAGE, REFUSED = 0, 1, 2, 3
WIDTH = 140  # of output that goes to a file


def guard(act: Callable[[], int], needs_project: bool = True) -> int:
    """Run an act in the project's folder and turn what the user can cause into one line and an exit code."""
    from dvc.exceptions import DvcException

    from flows.lock import BusyError
    from rlhf_pipeline.mistakes import INTERRUPTED, Mistake, describe, one_line

    try:
        if needs_project:
            os.chdir(_project())
        return act()
    except (Exception, KeyboardInterrupt) as error:
        is_outside = isinstance(error, DvcException | BusyError | TimeoutError)
        line = one_line(error) if is_outside else describe(error)
        if line is None:
            raise
        typer.echo(f"error: {line}", err=True)
        if isinstance(error, KeyboardInterrupt):
            return INTERRUPTED
        return USAGE if isinstance(error, Mistake | FileNotFoundError | DvcException) else FAILED


def _project() -> Path:
    here = Path.cwd()
    from rlhf_pipeline.mistakes import Mistake

    found = [folder for folder in (here, *here.parents) if (folder / "dvc.yaml").exists()]
    if not found:
        raise Mistake(f"no dvc.yaml in {here} or above: run this inside the project")
    return found[0]


def console() -> Console:
    """Return the console: as wide as the terminal, or of a fixed width for a file."""
    shown = Console(highlight=False)
    return shown if shown.is_terminal else Console(highlight=False, width=WIDTH)
