"""Checkpoints of an unfinished training: where they lie, which of them is whole, and when they go.

They lie outside the outputs of their stage, which DVC deletes before it runs, under a key of all that determines the
training: with another input, setting, seed, library or line of code a training begins anew.
"""

import gc
import json
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

from rlhf_pipeline.methods import PACKAGE
from rlhf_pipeline.records import hash_folder, hash_text
from rlhf_pipeline.training import DivergedError

ROOT = Path(".cache/checkpoints")
ENGINE = ("torch", "transformers", "trl", "accelerate", "peft")
STATE = "trainer_state.json"
"""The file that transformers writes last into a checkpoint."""


def key(inputs: Iterable[Path | str], settings: Mapping[str, Any]) -> str:
    """Return a hash of what determines a training; the code counts as a whole, so that no import is forgotten.

    Args:
        inputs: files and folders that it reads.
        settings: everything else: settings, seed, threads.
    """
    code = [
        hash_text(str(path.relative_to(PACKAGE)), path.read_text("utf-8")) for path in sorted(PACKAGE.rglob("*.py"))
    ]
    engine = [f"{name} {version(name)}" for name in ENGINE]
    return hash_text(json.dumps(settings, sort_keys=True), *map(hash_folder, inputs), *code, *engine)


def folder(stage: str, key: str) -> Path:
    """Return where the checkpoints of a stage's training lie."""
    return ROOT / stage / key


def latest(folder: Path) -> Path | None:
    """Return the newest whole checkpoint, if any; those that a killed process left half written are deleted."""
    newest = None
    for path in sorted(folder.glob("checkpoint-*"), key=lambda path: int(path.name.rpartition("-")[2])):
        if _is_whole(path):
            newest = path
        else:
            shutil.rmtree(path)
    return newest


@contextmanager
def kept(stage: str, inputs: Iterable[Path | str], settings: Mapping[str, Any]) -> Iterator[Path]:
    """Give the folder for a training's checkpoints, and remove it once the outputs stand; see `key`.

    Checkpoints of the same stage under another key are removed first: a stage has one unfinished training at most.

    Raises:
        DivergedError: the training diverged; names the stage.
    """
    own = folder(stage, key(inputs, settings))
    for other in [path for path in own.parent.glob("*") if path != own]:
        _discard(other)
    try:
        yield own
    except DivergedError as error:
        raise DivergedError(f"{stage}: {error}") from error
    if own.exists():
        _discard(own)


def train(trainer: Any) -> None:
    """Train to the end, from the newest whole checkpoint in the trainer's output folder where there is one."""
    from transformers import TrainerCallback

    class NotAtTheEnd(TrainerCallback):
        """Saves no checkpoint after the last step: the outputs follow, and to resume there would add a step."""

        def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            """Take back what transformers decided."""
            control.should_save &= state.global_step < state.max_steps

    trainer.add_callback(NotAtTheEnd())
    found = latest(Path(trainer.args.output_dir))
    gc.freeze()  # transformers collects garbage at the end, and would search all that was imported
    try:
        trainer.train(resume_from_checkpoint=str(found) if found else None)
    finally:
        gc.unfreeze()


def _is_whole(checkpoint: Path) -> bool:
    try:
        return bool(json.loads((checkpoint / STATE).read_text(encoding="utf-8")))
    except (FileNotFoundError, ValueError):
        return False


def _discard(path: Path) -> None:
    # Renamed first: a process killed while it deletes must leave nothing that looks whole under a key.
    gone = path.with_name("gone")
    shutil.rmtree(gone, ignore_errors=True)
    if path.exists():
        shutil.rmtree(path.rename(gone))
