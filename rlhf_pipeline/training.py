"""What the trainings of sft, rewards and policy share: settings, TRL arguments, learning curves."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import Field

from rlhf_pipeline.methods import MethodParams


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


def arguments(params: TrainingParams, num_rows: int, seed: int) -> dict[str, Any]:
    """Return the arguments that every TRL configuration of ours takes: float32, no recompute, nothing saved or sent."""
    num_steps = max(int(num_rows * params.num_epochs / params.batch_size), 1)
    return {
        "output_dir": ".cache/trainer",
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
        "save_strategy": "no",
        "report_to": "none",
        "logging_steps": max(num_steps // 40, 1),
        "dataloader_pin_memory": False,
    }


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
