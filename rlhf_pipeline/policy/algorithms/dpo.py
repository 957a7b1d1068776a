"""Direct preference optimisation, offline: the ensemble ranks completions of the reference once, and pairs train.

Rafailov et al. 2023 (arXiv:2305.18290): -log sigmoid(beta * (log-ratio of the better - log-ratio of the worse)). The
pairs are the best and the worst of n completions of each prompt by the ensemble, as in rejection sampling, instead of
the labels that people gave; so every algorithm here climbs the same reward, with as many completions drawn.
"""

from __future__ import annotations

import copy
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from pydantic import Field, model_validator

from rlhf_pipeline import models, training
from rlhf_pipeline.mistakes import Mistake
from rlhf_pipeline.policy import trainers
from rlhf_pipeline.policy.sampling import sample
from rlhf_pipeline.records import assistant, derive_seed

if TYPE_CHECKING:
    from datasets import Dataset


class Params(trainers.Params):
    """Settings of DPO. A batch of so many completions holds half as many pairs."""

    learning_rate: float = Field(3e-4, gt=0)
    beta: float = Field(0.1, gt=0, description="what a nat of log-ratio counts in the margin")

    @property
    def draws_completions(self) -> bool:
        """Return False: they are drawn before the training."""
        return False

    @model_validator(mode="after")
    def _nothing_is_drawn_in_training(self) -> Params:
        for name in ("idle_groups", "difficulty", "vllm", "num_iterations", "steps_per_generation"):
            if getattr(self, name) != trainers.Params.model_fields[name].default:
                raise ValueError(f"{name} is for algorithms that draw completions in training; take it out")
        return self


def trainer(setup: trainers.Setup, params: Params) -> Any:
    """Return TRL's DPOTrainer, ready to train on pairs of the reference's completions.

    Raises:
        Mistake: the ensemble rewards all completions of every prompt alike.
    """
    from trl import DPOConfig, DPOTrainer

    pairs = draw_pairs(setup, params)
    num_pairs = max(params.batch_size // 2, 1)
    at_once = max((params.rows_at_once or params.batch_size) // 2, 1)
    num_steps = params.num_steps or max(int(len(pairs) * params.num_epochs / num_pairs), 1)
    single_pass = params.model_copy(update={"num_epochs": 1.0})
    shared = training.arguments(single_pass, num_steps * params.batch_size, setup.seed, setup.checkpoint_folder)
    shared |= {
        "per_device_train_batch_size": at_once,
        "gradient_accumulation_steps": num_pairs // at_once,
        "max_steps": num_steps,
        "save_steps": training.save_steps(params, num_steps, boundary=1),
        "logging_steps": 1,
    }
    config = DPOConfig(
        **shared,
        beta=params.beta,
        max_length=params.max_length,
        remove_unused_columns=False,
        trust_remote_code=models.has_remote_code(setup.policy),
    )
    # With adapters the reference is the policy without them.
    reference = None if params.lora else copy.deepcopy(setup.policy).eval()
    made = trainers.create_trainer(
        DPOTrainer, config, setup, params, inputs={"train_dataset": pairs, "ref_model": reference}
    )
    made.data_collator = training.name_rows(made.data_collator)
    return made


def draw_pairs(setup: trainers.Setup, params: Params) -> Dataset:
    """Return the best and the worst of n completions of each prompt; prompts whose completions tie are left out.

    Returns:
        Columns `prompt`, `chosen`, `rejected` (messages) and `row` (the prompt's id).

    Raises:
        Mistake: all prompts' completions tie.
    """
    from datasets import Dataset

    prompts, n = list(setup.dataset["prompt"]), params.num_generations
    drawn = sample(
        setup.policy, setup.tokenizer, prompts,
        num_samples=n, max_new_tokens=params.max_completion_length, seed=derive_seed(setup.seed, "pairs"),
    )  # fmt: skip
    flat = [one for of_prompt in drawn for one in of_prompt]
    rewards = setup.reward_function(
        prompts=[prompt for prompt in prompts for _ in range(n)],
        completions=[assistant(one.text) for one in flat],
        completion_ids=[one.completion_ids for one in flat],
        prompt_index=[index for index in setup.dataset["prompt_index"] for _ in range(n)],
        trainer_state=SimpleNamespace(global_step=0),
        log_metric=lambda name, value: None,
    )
    rows = []
    for number, (prompt, said) in enumerate(zip(prompts, drawn, strict=True)):
        own = rewards[number * n : number * n + n]
        best, worst = own.index(max(own)), own.index(min(own))
        if own[best] > own[worst]:
            sides = {"chosen": assistant(said[best].text), "rejected": assistant(said[worst].text)}
            rows.append({"prompt": prompt, **sides, "row": setup.dataset["row"][number]})
    if not rows:
        raise Mistake(f"the ensemble rewards all {n} completions of each of {len(prompts)} prompts alike: no pair")
    return Dataset.from_list(rows)
