"""What the trainings of sft, rewards and policy share: settings, TRL arguments, learning curves."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from statistics import fmean
from typing import Any

from pydantic import Field

from rlhf_pipeline.methods import MethodParams


class DivergedError(ArithmeticError):
    """A loss or a gradient is not finite; names the step and the rows of its batch."""


class TrainingParams(MethodParams):
    """Settings of any training; the names are TRL's."""

    learning_rate: float = Field(gt=0, description="peak of the schedule")
    batch_size: int = Field(ge=1, description="rows per optimizer step")
    num_epochs: float = Field(1.0, gt=0, description="passes over the data")
    warmup_fraction: float = Field(0.05, ge=0, lt=1, description="share of the steps in which the rate rises")
    lr_scheduler_type: str = Field("cosine", description="decay of the rate after warm-up")
    weight_decay: float = Field(0.01, ge=0)
    max_grad_norm: float = Field(1.0, gt=0, description="gradients are clipped to this norm")
    adam_beta2: float = Field(0.98, gt=0, lt=1)
    max_length: int = Field(
        128, ge=8, description="tokens; longer rows are cut (sft) or left out and counted (rewards)"
    )
    save_fraction: float = Field(
        0.1, gt=0, le=1, description="share of the steps between checkpoints, from which a killed training goes on"
    )


def save_steps(params: TrainingParams, num_steps: int, boundary: int) -> int:
    """Return the steps between checkpoints: a multiple of `boundary`, or training would not resume exactly."""
    return math.ceil(params.save_fraction * num_steps / boundary) * boundary


def arguments(params: TrainingParams, num_rows: int, seed: int, checkpoints: Path | None = None) -> dict[str, Any]:
    """Return the arguments that every TRL configuration of ours takes: float32, no recompute, nothing sent.

    Checkpoints are saved only where a folder for them is given.
    """
    num_steps = max(int(num_rows * params.num_epochs / params.batch_size), 1)
    logging_steps = max(num_steps // 40, 1)
    return {
        "output_dir": str(checkpoints or ".cache/trainer"),
        "learning_rate": params.learning_rate,
        "per_device_train_batch_size": params.batch_size,
        "num_train_epochs": params.num_epochs,
        "warmup_steps": int(params.warmup_fraction * num_steps),
        "lr_scheduler_type": params.lr_scheduler_type,
        "weight_decay": params.weight_decay,
        "max_grad_norm": params.max_grad_norm,
        "adam_beta2": params.adam_beta2,
        "seed": seed,
        "data_seed": seed,
        "bf16": False,
        "gradient_checkpointing": False,
        "save_strategy": "steps" if checkpoints else "no",
        # A mean over the steps since the last log is in no checkpoint.
        "save_steps": save_steps(params, num_steps, boundary=logging_steps),
        "save_total_limit": 1,
        "report_to": "none",
        "logging_steps": logging_steps,
        "dataloader_pin_memory": False,
    }


def name_rows(collate: Callable[[list[dict[str, Any]]], dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    """Return a collator whose batches keep the column `row`, the names of their rows."""
    return lambda features: {**collate(features), "row": [feature["row"] for feature in features]}


def guarded(trainer: Any) -> Any:
    """Return a class of trainer that stops at a loss or gradient that is not finite, before it reaches the weights.

    Raises:
        DivergedError: in training; names the step and the batch, by its column `row`.
    """

    class Guarded(trainer):
        """Looks at every step: what transformers logs is a mean of several, and leaves NaN out."""

        def training_step(self, model: Any, inputs: Any, *args: Any, **kwargs: Any) -> Any:
            """Return the loss of a batch, which is finite."""
            self.rows = inputs.pop("row") if isinstance(inputs, dict) else [row["row"] for row in inputs]
            return self._finite("loss", super().training_step(model, inputs, *args, **kwargs))

        def _clip_grad_norm(self, model: Any) -> Any:
            return self._finite("gradient norm", super()._clip_grad_norm(model))

        def _finite(self, name: str, value: Any) -> Any:
            if not math.isfinite(value):
                rows = ", ".join(dict.fromkeys(self.rows))
                raise DivergedError(f"{name} is {float(value)} at step {self.state.global_step + 1}, rows: {rows}")
            return value

    return Guarded


def mean_loss(curve: Iterable[Mapping[str, float]]) -> float:
    """Return the mean loss over a learning curve. (A trainer's own counts only the steps since it was resumed.)"""
    return fmean(row["loss"] for row in curve if "loss" in row)


def curve(log_history: Iterable[Mapping[str, Any]], columns: Mapping[str, str]) -> list[dict[str, float]]:
    """Return the rows of a learning curve: `step` and the wanted columns of a trainer's log.

    Args:
        log_history: what a trainer logged.
        columns: name in the log → name in the curve; entries without any of them are left out.
    """
    rows = []
    for entry in log_history:
        found = {new: float(entry[old]) for old, new in columns.items() if old in entry}
        if found:
            rows.append({"step": entry["step"], **found})
    return rows
