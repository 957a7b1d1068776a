"""What the algorithms' trainers share: settings, TRL's arguments, and a trainer made of them."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field, model_validator

from rlhf_pipeline import adapters, models, training
from rlhf_pipeline.methods import MethodParams
from rlhf_pipeline.mistakes import Mistake
from rlhf_pipeline.policy import groups, padding

if TYPE_CHECKING:
    from datasets import Dataset
    from transformers import PreTrainedModel, PreTrainedTokenizerFast, TrainerCallback


class Vllm(MethodParams):
    """Settings of generation through vLLM."""

    mode: Literal["colocate", "server"] = Field(
        "colocate", description="in the training's process, or `trl vllm-serve`"
    )
    memory_fraction: float = Field(0.3, gt=0, lt=1, description="of the GPU, for colocate")
    server_url: str | None = Field(None, description="of the server; null: port 8000 of this machine")


class Params(training.TrainingParams):
    """Settings of every algorithm. Completions are drawn from the whole distribution at temperature 1."""

    learning_rate: float = Field(6e-4, gt=0)
    batch_size: int = Field(64, ge=2, description="completions per optimizer step")
    lr_scheduler_type: str = Field("constant_with_warmup", description="decay of the rate after warm-up")
    weight_decay: float = Field(0.0, ge=0)
    num_steps: int | None = Field(
        120, ge=1, description="optimizer steps; null: num_epochs passes over the prompts, each with its completions"
    )
    num_generations: int = Field(8, ge=2, description="completions per prompt, compared with each other")
    beta: float = Field(0.02, ge=0, description="weight of the KL divergence from the reference")
    num_iterations: int = Field(1, ge=1, description="optimizer steps per batch of completions")
    steps_per_generation: int = Field(
        1, ge=1, description="optimizer steps whose completions are drawn at once; each then sees more prompts"
    )
    max_completion_length: int = Field(64, ge=1, description="tokens")
    max_length: int = Field(192, ge=8, description="tokens; a prompt without room for a whole completion is left out")
    num_references: int = Field(4, ge=1, description="reference completions per prompt that the proxy is centred on")
    idle_groups: groups.Idle = Field(
        "keep", description="prompts whose completions all weigh 0: keep for their KL term, skip, or resample once"
    )
    difficulty: groups.Difficulty | None = Field(
        None, description="weigh a prompt by 4 p (1 - p) of its success p; null: all prompts alike"
    )
    halve_on_oom: bool = Field(
        False, description="where memory runs out, halve rows_at_once and go on from the last checkpoint"
    )
    vllm: Vllm | None = Field(None, description="draw completions through vLLM; null: through transformers")
    save_samples_steps: int = Field(20, ge=1, description="steps between saved samples; first and last are saved too")
    num_sampled_prompts: int = Field(
        48, ge=1, description="prompts with a saved sample, the same every time; untrained ones first"
    )

    @property
    def logs_kl(self) -> bool:
        """Return whether the trainer scores every completion under both models anyway, and logs their divergence."""
        return self.beta > 0

    @property
    def draws_completions(self) -> bool:
        """Return whether the trainer draws completions at every step, and logs what they are worth."""
        return True

    @property
    def prompts_at_once(self) -> int:
        """Return the prompts whose completions are drawn together; fewer than that make no step."""
        return self.batch_size * self.steps_per_generation // self.num_generations

    def halved(self) -> Params | None:
        """Return these settings with half as many rows in memory together; None where one row is too much."""
        rows = (self.rows_at_once or self.batch_size) // 2
        while rows and self.batch_size % rows:
            rows -= 1
        return self.model_copy(update={"rows_at_once": rows}) if rows else None

    @model_validator(mode="after")
    def _groups_fill_the_batch(self) -> Params:
        if self.batch_size % self.num_generations:
            near = training.multiples(self.batch_size, self.num_generations)
            raise ValueError(
                f"batch_size {self.batch_size} is no multiple of num_generations {self.num_generations}; "
                f"write batch_size {near}"
            )
        return self


@dataclass(frozen=True)
class Setup:
    """What an algorithm's trainer is made of."""

    policy: PreTrainedModel
    tokenizer: PreTrainedTokenizerFast
    dataset: Dataset
    """Columns `prompt` (messages), `prompt_index` and `row` (the prompt's id)."""
    reward_function: Callable[..., list[float]]
    seed: int
    callbacks: Sequence[TrainerCallback] = ()
    checkpoint_folder: Path | None = None


def arguments(setup: Setup, params: Params) -> dict[str, Any]:
    """Return the arguments that the configurations of TRL's online trainers share."""
    num_passes = params.num_epochs * params.num_generations * params.num_iterations
    num_steps = params.num_steps or max(int(len(setup.dataset) * num_passes / params.batch_size), 1)
    single_pass = params.model_copy(update={"num_epochs": 1.0})
    return {
        **training.arguments(single_pass, num_steps * params.batch_size, setup.seed, setup.checkpoint_folder),
        **(shares := per_process(params)),
        "steps_per_generation": params.steps_per_generation * shares["gradient_accumulation_steps"],
        "max_steps": num_steps,
        # Completions are in no checkpoint: it falls where new ones are drawn.
        "save_steps": training.save_steps(
            params, num_steps, boundary=params.num_iterations * params.steps_per_generation
        ),
        "logging_steps": 1,
        "beta": params.beta,
        "num_generations": params.num_generations,
        "num_iterations": params.num_iterations,
        "max_completion_length": params.max_completion_length,
        "temperature": 1.0,
        "top_k": 0,
        "top_p": 1.0,
        "ddp_broadcast_buffers": False,  # a decoder's are constants, and would be sent before every pass
        "trust_remote_code": models.has_remote_code(setup.policy),
        **generation(params),
    }


def per_process(params: Params) -> dict[str, int]:
    """Return how many rows each process has in memory together, and how often in a step; a batch is that of all.

    Raises:
        Mistake: the batch cannot be shared out in whole groups among the processes of `accelerate launch`.
    """
    num_processes = int(os.environ.get("WORLD_SIZE", "1"))
    rows, rest = divmod(params.batch_size, num_processes * params.num_generations)
    if rest and num_processes > 1:
        near = training.multiples(params.batch_size, num_processes * params.num_generations)
        raise Mistake(
            f"policy.settings.batch_size {params.batch_size}: {num_processes} processes take whole groups of "
            f"{params.num_generations} completions; write {near}"
        )
    own = rows * params.num_generations if num_processes > 1 else params.batch_size
    at_once = math.gcd(params.rows_at_once or own, own)  # rows_at_once divides the batch, not always a share of it
    return {"per_device_train_batch_size": at_once, "gradient_accumulation_steps": own // at_once}


def generation(params: Params) -> dict[str, Any]:
    """Return the arguments that choose what draws the completions.

    Raises:
        ModuleNotFoundError: vLLM is asked for and not installed.
    """
    if params.vllm is None:
        return {}
    adapters.require("vllm", "policy.settings.vllm", "docs/operating.md tells how, under Models of your own")
    return {
        "use_vllm": True,
        "vllm_mode": params.vllm.mode,
        "vllm_gpu_memory_utilization": params.vllm.memory_fraction,
        "vllm_server_base_url": params.vllm.server_url,
        "vllm_max_model_length": params.max_length,
    }


def raise_beta(trainer: Any, factor: float) -> None:
    """Multiply the weight of the KL divergence that a trainer of an algorithm counts with, from its next step on.

    Raises:
        Mistake: the weight is 0, which no factor raises.
    """
    if hasattr(trainer, "rule_params"):
        found = trainer.rule_params.beta * factor
        trainer.rule_params = trainer.rule_params.model_copy(update={"beta": found})
    else:
        found = trainer.beta = trainer.beta * factor
    if not found:
        raise Mistake("policy.guard.action raise_beta multiplies policy.settings.beta, which is 0; set it above 0")


def create_trainer(
    trainer: Any,
    config: Any,
    setup: Setup,
    params: Params,
    added: Sequence[str] = (),
    inputs: Mapping[str, Any] | None = None,
) -> Any:
    """Return a trainer of a TRL class with our optimizer, callbacks and a quiet progress bar.

    Args:
        trainer: the class.
        config: its configuration.
        setup: what it trains.
        params: the algorithm's settings.
        added: modules that the algorithm put on the policy, trained whole and taken off again before it is saved.
        inputs: what it trains on; the prompts and the reward function where None.

    Raises:
        Mistake: a module was added to a policy whose weights are packed in four bits.
    """
    from transformers.trainer_callback import PrinterCallback, ProgressCallback

    from rlhf_pipeline.policy.trajectory import Bar

    adapters_of = adapters.peft_config(params.lora, "CAUSAL_LM")
    if added and adapters_of is not None:
        if params.lora and params.lora.four_bit:
            raise Mistake(f"policy.settings.lora.four_bit: this algorithm trains a {added[0]} beside; write false")
        adapters_of.modules_to_save = list(added)
    if params.idle_groups != "keep" or params.difficulty is not None:
        trainer = groups.grouped(trainer, params.idle_groups, params.difficulty)
    made = training.guarded(padding.trimmed(trainer))(
        model=setup.policy,
        args=config,
        **({"train_dataset": setup.dataset, "reward_funcs": setup.reward_function} if inputs is None else inputs),
        processing_class=setup.tokenizer,
        callbacks=list(setup.callbacks),
        peft_config=adapters_of,
    )
    made.added = added
    made.remove_callback(PrinterCallback)
    if made.pop_callback(ProgressCallback):
        made.add_callback(Bar)
    return made
