"""What is recorded while a policy is trained: a row per optimizer step, and samples along the way.

An algorithm that draws no completions in training has a row per saved step, of its samples.

A row's `step` counts the updates behind the policy that is measured: row 0 is the reference. `kl` is nats per
completion, summed to the end token, on own samples at temperature 1. Of a saved sample it is the log-ratio; of a step,
the mean over its completions of what the trainer logs: log-ratios in RLOO, in GRPO the estimator exp(-r) + r - 1 of a
token's log-ratio r (Schulman 2020), of the same expectation and less noise. Without a KL term log-ratios are measured.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from statistics import fmean, pstdev
from typing import TYPE_CHECKING, Any

from transformers import TrainerCallback
from transformers.trainer_callback import ExportableState, ProgressCallback

from rlhf_pipeline.policy.proxy import Proxy
from rlhf_pipeline.policy.sampling import completion_logps, sample
from rlhf_pipeline.policy.saved_steps import traits
from rlhf_pipeline.records import Row, assistant

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerFast

LOGGED = {
    "proxy": "proxy_reward",
    "kl_sum": "kl",
    "completions/mean_length": "completion_tokens",
    "disagreement": "disagreement",
    "completions/clipped_ratio": "truncated_fraction",
    "reward_std": "reward_std",
    "entropy": "entropy",
}
"""Name in the trainer's log → column; `kl_sum` is ours: TRL's `kl` is a mean per token."""
COLUMNS = ("step", *LOGGED.values())
Draw = Callable[..., list[Row]]


class Bar(ProgressCallback):
    """The progress bar without a printed line per step."""

    def on_log(self, *args: Any, **kwargs: Any) -> None:
        """Print nothing."""


class Recorder(TrainerCallback, ExportableState):
    """Collects the rows of trajectory.csv and samples.jsonl; what it has collected is part of every checkpoint."""

    def __init__(self, draw: Draw, save_samples_steps: int, reads_log: bool = True) -> None:
        """Record; `draw(step=…)` returns samples of the policy as it then is.

        `reads_log`: the trainer logs what completions are worth; else that is read off the samples.
        """
        self.draw, self.reads_log = draw, reads_log
        self.save_samples_steps = save_samples_steps
        self.rows: list[dict[str, float]] = []
        self.samples: list[Row] = []

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Save the reference's samples; or, in a training that is resumed, take up what was collected before."""
        if state.global_step == 0:
            self._save(kwargs["model"], 0)
        else:
            collected = state.stateful_callbacks[type(self).__name__]["attributes"]
            self.rows, self.samples = collected["rows"], json.loads(collected["samples"])
            _shuffle_again(kwargs["train_dataloader"], int(state.epoch))

    def state(self) -> dict[str, Any]:
        """Return what a checkpoint holds of it."""
        # As text: transformers sorts the keys of what it saves, and a resumed training would write other bytes.
        return {"args": {}, "attributes": {"rows": self.rows, "samples": json.dumps(self.samples)}}

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Save samples where they are due, and at the end."""
        if state.global_step % self.save_samples_steps == 0 or state.global_step == state.max_steps:
            self._save(kwargs["model"], state.global_step)

    def on_log(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Add a row; a step that reuses completions keeps the values of the step that drew them."""
        logs: Mapping[str, float] = kwargs["logs"]
        if "loss" in logs and self.reads_log:
            found = {column: float(logs[name]) for name, column in LOGGED.items() if name in logs}
            if "kl" in logs and "completion_tokens" in found:
                found["kl"] = float(logs["kl"]) * found["completion_tokens"]
            before = self.rows[-1] if self.rows else {}
            self.rows.append({**before, **found, "step": state.global_step - 1})

    def _save(self, model: PreTrainedModel, step: int) -> None:
        was_training = model.training
        drawn = self.draw(step=step)
        self.samples += drawn
        if not self.reads_log:
            self.rows.append(row_of(drawn))
        model.train(was_training)


def _shuffle_again(loader: Any, num_passes: int) -> None:
    # TRL's sampler shuffles every pass on from the one before, and no checkpoint holds where it is.
    for _ in range(num_passes):
        next(iter(loader.batch_sampler.sampler))


def row_of(samples: Sequence[Row]) -> dict[str, float]:
    """Return a step's row as its samples tell it; `reward_std` is over prompts."""
    rewards, own = [row["proxy_reward"] for row in samples], traits(samples)
    return {
        "step": samples[0]["step"],
        "proxy_reward": fmean(rewards),
        "kl": own["kl"],
        "completion_tokens": own["length"],
        "disagreement": fmean(row["disagreement"] for row in samples),
        "truncated_fraction": own["truncated"],
        "reward_std": pstdev(rewards),
        "entropy": own["entropy"],
    }


def draw_samples(
    policy: PreTrainedModel,
    reference: PreTrainedModel,
    tokenizer: PreTrainedTokenizerFast,
    proxy: Proxy,
    prompt_ids: Sequence[str],
    held_out: Sequence[Proxy] = (),
    *,
    step: int,
    max_new_tokens: int,
    seed: int,
) -> list[Row]:
    """Return one completion for each of the proxy's prompts, with its reward, disagreement and KL in nats.

    `held_out`: the mean reward by what the policy is not trained against, where there is any.
    """
    index = range(len(prompt_ids))
    prompts = [proxy.prompts[i] for i in index]
    drawn = [
        one[0] for one in sample(policy, tokenizer, prompts, num_samples=1, max_new_tokens=max_new_tokens, seed=seed)
    ]
    texts, ids = [one.text for one in drawn], [one.completion_ids for one in drawn]
    rewards = proxy.rate(index, texts)
    others = [one.rate(index, texts).reward for one in held_out]
    logps, ref_logps = (completion_logps(model, tokenizer, prompts, ids) for model in (policy, reference))
    return [
        {
            "step": step,
            "prompt_id": prompt_ids[i],
            "prompt": prompts[i],
            "completion": assistant(drawn[i].text),
            "proxy_reward": rewards.reward[i].item(),
            "disagreement": rewards.disagreement[i].item(),
            "kl": (logps[i] - ref_logps[i]).item(),
            "logp": logps[i].item(),
            "completion_tokens": len(ids[i]),
            "is_truncated": drawn[i].is_truncated,
            **({"held_out": sum(one[i].item() for one in others) / len(others)} if others else {}),
        }
        for i in index
    ]


def summarise(rows: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Return the first and last values of a trajectory; last is the mean over the last tenth of the steps."""
    tail = rows[-max(len(rows) // 10, 1) :]
    last = {name: sum(row[name] for row in tail) / len(tail) for name in COLUMNS if name != "step"}
    first = {f"{name}/first": rows[0][name] for name in ("proxy_reward", "disagreement")}
    wanted = ("proxy_reward", "disagreement", "kl", "completion_tokens", "truncated_fraction", "entropy")
    return {**first, **{f"{name}/last": last[name] for name in wanted}}
