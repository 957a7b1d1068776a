"""Snapshots: the weights at even points of the last half of one training, each a voice of the member.

Huang et al. 2017 (arXiv:1704.00109), who restart the learning rate before each. Here the schedule stays as it is, so
that the last snapshot is the member that would have come of the training without them.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from transformers import TrainerCallback


def points(num_snapshots: int, num_steps: int) -> list[int]:
    """Return the steps after which a snapshot is taken, the last of them the end.

    Raises:
        ValueError: the last half has fewer steps than snapshots.
    """
    most = num_steps - num_steps // 2
    if num_snapshots > most:
        raise ValueError(
            f"snapshots: {num_snapshots} in the last half of {num_steps} steps; write at most {most}, or train longer"
        )
    half = num_steps / 2
    return [int(half + half * number / num_snapshots) for number in range(1, num_snapshots + 1)]


class Snapshots(TrainerCallback):
    """Keeps the weights that training changes, where a training that is resumed finds them."""

    def __init__(self, num_snapshots: int, checkpoint_folder: Path | None) -> None:
        """Keep them beside the training's checkpoints; in a temporary folder where there are none."""
        self.num_snapshots = num_snapshots
        self._temporary = None if checkpoint_folder else TemporaryDirectory()
        self.folder = Path(self._temporary.name) if self._temporary else Path(str(checkpoint_folder)) / "snapshots"
        self.due: list[int] = []

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Choose the points."""
        self.due = points(self.num_snapshots, state.max_steps)

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Write the weights where they are due; those of the end are the trained model's own."""
        from safetensors.torch import save_file

        if state.global_step in self.due[:-1]:
            self.folder.mkdir(parents=True, exist_ok=True)
            trained = {n: p.detach().contiguous() for n, p in kwargs["model"].named_parameters() if p.requires_grad}
            save_file(trained, self._path(state.global_step))

    def models(self, trained: Any, out: Path) -> Iterator[tuple[Path, Any]]:
        """Yield each model with the folder it belongs into: `0`, `1` … in `out`, or `out` itself for the only one.

        Args:
            trained: the model at the end of training; yielded last.
            out: the member's folder.
        """
        from safetensors.torch import load_file

        for number, step in enumerate(self.due[:-1]):
            model = copy.deepcopy(trained)
            model.load_state_dict(load_file(self._path(step)), strict=False)
            yield out / str(number), model
        yield (out / str(len(self.due) - 1) if len(self.due) > 1 else out), trained

    def _path(self, step: int) -> Path:
        return self.folder / f"{step}.safetensors"
