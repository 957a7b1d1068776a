"""What the trainings of sft, rewards and policy share: settings, TRL arguments, learning curves."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field, model_validator

from rlhf_pipeline import adapters, models
from rlhf_pipeline.methods import MethodParams
from rlhf_pipeline.mistakes import Mistake

if TYPE_CHECKING:
    from transformers import PreTrainedModel


class DivergedError(Mistake):
    """A loss or a gradient is not finite; names the step and the rows of its batch."""


class TrainingParams(MethodParams):
    """Settings of any training; the names are TRL's."""

    learning_rate: float = Field(gt=0, description="peak of the schedule")
    batch_size: int = Field(ge=1, description="rows per optimizer step")
    rows_at_once: int | None = Field(
        None, ge=1, description="rows of a batch that are in memory together, a divisor of batch_size; null: all"
    )
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
    precision: Literal["fp32", "bf16"] = Field("fp32", description="of the arithmetic and of the weights as saved")
    gradient_checkpointing: bool = Field(False, description="compute activations twice instead of keeping them")
    lora: adapters.Lora | None = Field(None, description="train low-rank adapters; null: all weights")

    @model_validator(mode="after")
    def _rows_divide_the_batch(self) -> TrainingParams:
        if self.batch_size % (self.rows_at_once or 1):
            near = multiples(self.batch_size, self.rows_at_once or 1)
            raise ValueError(
                f"batch_size {self.batch_size} is no multiple of rows_at_once {self.rows_at_once}; "
                f"write batch_size {near}"
            )
        return self


def multiples(number: int, divisor: int) -> str:
    """Return the multiples of a divisor on both sides of a number, in words."""
    below = number // divisor * divisor
    return f"{below} or {below + divisor}" if below else str(divisor)


def save_steps(params: TrainingParams, num_steps: int, boundary: int) -> int:
    """Return the steps between checkpoints: a multiple of `boundary`, or training would not resume exactly."""
    return math.ceil(params.save_fraction * num_steps / boundary) * boundary


def arguments(params: TrainingParams, num_rows: int, seed: int, checkpoints: Path | None = None) -> dict[str, Any]:
    """Return the arguments that every TRL configuration of ours takes; nothing is sent.

    Checkpoints are saved only where a folder for them is given.
    """
    num_steps = max(int(num_rows * params.num_epochs / params.batch_size), 1)
    logging_steps = max(num_steps // 40, 1)
    rows_at_once = params.rows_at_once or params.batch_size
    return {
        "output_dir": str(checkpoints or ".cache/trainer"),
        "learning_rate": params.learning_rate,
        "per_device_train_batch_size": rows_at_once,
        "gradient_accumulation_steps": params.batch_size // rows_at_once,
        "num_train_epochs": params.num_epochs,
        "warmup_steps": int(params.warmup_fraction * num_steps),
        "lr_scheduler_type": params.lr_scheduler_type,
        "weight_decay": params.weight_decay,
        "max_grad_norm": params.max_grad_norm,
        "adam_beta2": params.adam_beta2,
        "seed": seed,
        "data_seed": seed,
        "use_cpu": models.device() == "cpu",
        "bf16": params.precision == "bf16",
        "gradient_checkpointing": params.gradient_checkpointing,
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


def weights(params: TrainingParams) -> dict[str, Any]:
    """Return how a model is loaded to be trained: weights that training changes in float32, others as they are saved.

    Raises:
        ModuleNotFoundError: what the settings need is not installed; names the extra.
    """
    import torch

    is_half = params.precision == "bf16" and params.lora is not None
    return {"dtype": torch.bfloat16 if is_half else torch.float32, "quantization": adapters.quantization(params.lora)}


def finish(trained: Any, params: TrainingParams, load: Callable[..., tuple[Any, Any]]) -> PreTrainedModel:
    """Return a trained model as it is saved: adapters merged, in the precision of its settings.

    Args:
        trained: a trainer's model.
        params: settings of the training.
        load: takes `dtype` and returns model and tokenizer as they were before training; called where four bits were
            trained beside, which cannot be merged into.
    """
    import torch

    dtype: Any = torch.bfloat16 if params.precision == "bf16" else torch.float32
    merged = adapters.merge(trained, params.lora, lambda: load(dtype=dtype)[0]) if params.lora else trained
    return merged.to(dtype)


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
