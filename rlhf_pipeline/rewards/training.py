"""Training of one reward model on pairs, on TRL's RewardTrainer with an objective of ours."""

from __future__ import annotations

import random
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from pydantic import Field, model_validator

from rlhf_pipeline import adapters, checkpoints, models, scoring, training
from rlhf_pipeline.mistakes import Mistake
from rlhf_pipeline.records import Row, derive_seed

if TYPE_CHECKING:
    from datasets import Dataset
    from transformers import PreTrainedModel, PreTrainedTokenizerFast


class Params(training.TrainingParams):
    """Settings of a reward model's training."""

    learning_rate: float = Field(1e-3, gt=0)
    batch_size: int = Field(32, ge=1, description="pairs per optimizer step")
    bootstrap: bool = Field(False, description="draw as many pairs with replacement, by group")
    even_attention: bool = Field(
        False, description="begin with even attention in the last layer: the score is at first a mean over the tokens"
    )
    num_evaluations: int = Field(5, ge=0, description="points of the learning curve")

    @model_validator(mode="after")
    def _attention_is_not_in_four_bits(self) -> Params:
        if self.even_attention and self.lora and self.lora.four_bit:
            raise ValueError("even_attention sets weights that lora.four_bit has packed; leave one of them out")
        return self


def bootstrap(rows: list[Row], seed: int) -> list[Row]:
    """Return about as many rows, whole groups drawn with replacement."""
    groups: dict[str, list[Row]] = {}
    for row in rows:
        groups.setdefault(row["group"], []).append(row)
    rng, names = random.Random(seed), sorted(groups)
    return [row for _ in names for row in groups[rng.choice(names)]]


def attend_evenly(model: PreTrainedModel) -> None:
    """Set the last layer's queries to zero, so that its attention is even until training sharpens it.

    The score is read from the last token. In a trunk of a few layers nothing has taught that token to gather what the
    others hold, and a reward model learned to do so in some runs and not in others; a large trunk needs no such help.

    Raises:
        Mistake: the model's last layer has no query projection of its own.
    """
    from torch.nn.init import zeros_

    queries = [name for name, _ in model.named_modules() if name.endswith(".q_proj")]
    if not queries:
        raise Mistake(f"rewards.settings.even_attention: {type(model).__name__} has no q_proj; leave it false")
    for parameter in model.get_submodule(queries[-1]).parameters():
        zeros_(parameter)


def create(trunk: Path | str, params: Params, seed: int, **weights: Any) -> Any:
    """Return a reward model that is ready to be trained, and its tokenizer; see `models.reward_model_from`."""
    model, tokenizer = models.reward_model_from(trunk, seed, **weights)
    head: Any = model.get_submodule("score")
    head.float()  # trained whole, also where the other weights are in half
    if params.even_attention:
        attend_evenly(model)
    return model, tokenizer


def tokenize(rows: list[Row], tokenizer: PreTrainedTokenizerFast, max_length: int) -> tuple[Dataset, int]:
    """Return TRL's tokenized pairs, rendered as `scoring` renders them, and how many were too long and left out.

    Raises:
        Mistake: every pair is too long.
    """
    from datasets import Dataset

    sides = {
        side: scoring.tokenize(tokenizer, [row["prompt"] + row[side] for row in rows])
        for side in ("chosen", "rejected")
    }
    kept = [
        {"chosen_ids": chosen, "rejected_ids": rejected, "margin": float(row.get("margin") or 0.0), "row": row["id"]}
        for row, chosen, rejected in zip(rows, sides["chosen"], sides["rejected"], strict=True)
        if max(len(chosen), len(rejected)) <= max_length
    ]
    if not kept:
        raise Mistake(f"none of {len(rows)} pairs has at most {max_length} tokens; raise rewards.settings.max_length")
    return Dataset.from_list(kept), len(rows) - len(kept)


def create_trainer(objective: ModuleType, objective_params: Any, **options: Any) -> Any:
    """Return TRL's RewardTrainer with the loss of an objective."""
    import torch
    from trl import RewardTrainer

    class ObjectiveTrainer(training.guarded(RewardTrainer)):  # type: ignore[misc]
        """A method changes only the loss."""

        def compute_loss(
            self, model: Any, inputs: dict[str, Any], return_outputs: bool = False, num_items_in_batch: Any = None
        ) -> Any:
            """Return the objective's mean loss, and log what TRL logs of it."""
            tokens = {name: inputs[name] for name in ("input_ids", "attention_mask")}
            outputs = model(**tokens, use_cache=False)
            chosen, rejected = torch.chunk(outputs.logits.squeeze(-1), chunks=2)
            loss = objective.loss(chosen, rejected, inputs["margin"], objective_params).mean()
            mode = "train" if model.training else "eval"
            self._metrics[mode]["accuracy"].append((chosen > rejected).float().mean().item())
            self._metrics[mode]["margin"].append((chosen - rejected).mean().item())
            return (loss, outputs) if return_outputs else loss

    trainer = ObjectiveTrainer(**options)
    trainer.data_collator = training.name_rows(trainer.data_collator)
    return trainer


def configure(params: Params, num_pairs: int, seed: int, checkpoint_folder: Path | None = None) -> Any:
    """Return TRL's RewardConfig for so many pairs."""
    from trl import RewardConfig

    num_steps = int(num_pairs * params.num_epochs / params.batch_size)
    return RewardConfig(
        **training.arguments(params, num_pairs, seed, checkpoint_folder),
        max_length=params.max_length,
        per_device_eval_batch_size=128,
        eval_strategy="steps" if params.num_evaluations else "no",
        eval_steps=max(num_steps // max(params.num_evaluations, 1), 1),
        remove_unused_columns=False,
    )


def accuracy(folder: Path, pairs: list[Row]) -> float:
    """Return the share of pairs that a saved reward model orders as their labels do."""
    sides = [row["prompt"] + row[side] for side in ("chosen", "rejected") for row in pairs]
    chosen, rejected = scoring.score(scoring.load_reward_model(folder), sides).chunk(2)
    return float((chosen > rejected).float().mean())


def train(
    trunk: Path | str,
    pairs: list[Row],
    validation: list[Row],
    params: Params,
    objective: ModuleType,
    objective_params: Any,
    seed: int,
    out: Path,
    checkpoint_folder: Path | None = None,
) -> dict[str, Any]:
    """Train a reward model from a trunk and save it into `out`; return metrics and the learning curve.

    Returns:
        `metrics` (flat floats) and `curve` (rows of step and loss, accuracy on validation pairs).

    Raises:
        DivergedError: the loss or its gradient is not finite; names the step and the ids of the pairs.
        Mistake: every pair is too long.
    """
    load = partial(create, trunk, params, seed)
    model, tokenizer = load(**training.weights(params))
    rows = bootstrap(pairs, derive_seed(seed, "bootstrap")) if params.bootstrap else pairs
    dataset, num_too_long = tokenize(rows, tokenizer, params.max_length)
    held_out, _ = tokenize(validation, tokenizer, params.max_length)
    trainer = create_trainer(
        objective,
        objective_params,
        model=model,
        args=configure(params, len(dataset), seed, checkpoint_folder),
        train_dataset=dataset,
        eval_dataset=held_out,
        processing_class=tokenizer,
        peft_config=adapters.peft_config(params.lora, "SEQ_CLS"),
    )
    checkpoints.train(trainer)
    models.save_model(out, training.finish(trainer.model, params, load), tokenizer)
    columns = {"loss": "loss", "eval_accuracy": "accuracy", "eval_loss": "eval_loss"}
    curve = training.curve(trainer.state.log_history, columns)
    metrics = {
        "train_loss": training.mean_loss(curve),
        "validation_accuracy": accuracy(out, validation),
        "num_pairs": len(dataset),
        "num_too_long": num_too_long,
    }
    return {"metrics": metrics, "curve": curve}
