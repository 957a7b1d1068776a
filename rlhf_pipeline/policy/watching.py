"""The guard in the loop: what it reads off every saved step of a training, and what it does when its monitor alarms.

All it knows stands in the saved samples, so that a resumed training has the same guard as an undisturbed one.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from transformers import TrainerCallback

from rlhf_pipeline.mistakes import Mistake
from rlhf_pipeline.policy.guard.reward_hack_monitor import Params, Report, watch
from rlhf_pipeline.policy.saved_steps import describe, read_steps
from rlhf_pipeline.policy.trainers import raise_beta

if TYPE_CHECKING:
    from torch.nn import Module

    from rlhf_pipeline.policy.trajectory import Recorder
    from rlhf_pipeline.validation.ensemble import Ensemble

Action = Literal["warn", "stop", "roll_back", "raise_beta"]
FOLDER, WEIGHTS = "guard", "weights.safetensors"


@dataclass(frozen=True)
class Plan:
    """What watches a training, and what an alarm does."""

    action: Action = "warn"
    """warn: say so; stop: end the training; roll_back: end it and save the policy of the step that the monitor calls
    safe; raise_beta: multiply the weight of the KL divergence at every saved step that alarms."""
    factor: float = 2.0
    """What `raise_beta` multiplies by."""
    params: Params = field(default_factory=Params)
    held_out: Sequence[Ensemble] = ()
    """Reward models that the policy is not trained against."""


class Guard(TrainerCallback):
    """Looks at each saved step right after the recorder has sampled it, and acts by its plan."""

    def __init__(self, recorder: Recorder, plan: Plan, checkpoint_folder: Path | None = None) -> None:
        """Watch what a recorder saves; weights to go back to lie beside the checkpoints."""
        self.recorder, self.plan = recorder, plan
        self._trainer: Any = None
        self._temporary = TemporaryDirectory(prefix="rlhf-guard-")
        self._folder = (checkpoint_folder or Path(self._temporary.name)) / FOLDER

    def attach(self, trainer: Any) -> None:
        """Take the trainer that is watched, before it trains.

        Raises:
            Mistake: its KL weight is to be raised and is 0.
        """
        self._trainer = trainer
        if self.plan.action == "raise_beta":
            raise_beta(trainer, 1.0)

    def report(self) -> Report:
        """Return what the saved steps so far show."""
        rows = self.recorder.samples
        proxy, disagreement = (np.array([row[name] for row in rows]) for name in ("proxy_reward", "disagreement"))
        held_out = np.array([row["held_out"] for row in rows]) if self.plan.held_out else None
        steps = read_steps(rows, [row["prompt_id"] for row in rows], proxy, disagreement, held_out)
        return watch(steps, self.plan.params)

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Look at the reference; or, in a training that is resumed, raise the KL weight as often as it was raised."""
        if state.global_step == 0:
            self._look(0, control, kwargs["model"])
        elif self.plan.action == "raise_beta":
            raise_beta(self._trainer, self.plan.factor ** len(self.report().alarms))

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Look at a step that was saved."""
        if self.recorder.samples[-1]["step"] == state.global_step:
            self._look(state.global_step, control, kwargs["model"])

    def on_save(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Forget weights that no training resumed from this checkpoint can go back to."""
        if self.plan.action == "roll_back":
            safe = self.report().safe
            for folder in self._folder.glob("*"):
                if folder.name != str(safe):
                    shutil.rmtree(folder)

    def finish(self, model: Module) -> dict[str, float]:
        """Give a model the weights of the step before the alarm, where the plan says so; return metrics of the guard.

        Returns:
            `guard/alarm_step` where there was an alarm, `guard/kept_step` where the policy is not that of the last
            step, `guard/raises` where the KL weight was raised.
        """
        report = self.report()
        found: dict[str, float] = {} if report.alarm is None else {"guard/alarm_step": report.alarm}
        if report.alarm is not None and self.plan.action == "roll_back":
            if self._trainer.is_world_process_zero():  # the one that saves it
                self._restore(report.safe, model)
            found["guard/kept_step"] = report.safe
        if self.plan.action == "raise_beta":
            found["guard/raises"] = len(report.alarms)
        self._temporary.cleanup()
        return found

    def _look(self, step: int, control: Any, model: Module) -> None:
        report = self.report()
        if self.plan.action == "roll_back" and step == report.safe:
            self._save(step, model)
        if step in report.alarms:
            if step == report.alarm and self._trainer.is_world_process_zero():
                print(f"guard: {describe(report)}; {DONE[self.plan.action]}", flush=True)
            if self.plan.action == "raise_beta":
                raise_beta(self._trainer, self.plan.factor)
            elif self.plan.action != "warn":
                control.should_training_stop = True
                control.should_save = False  # a training resumed from here would go on

    def _save(self, step: int, model: Module) -> None:
        from safetensors.torch import save_file

        if not self._trainer.is_world_process_zero():
            return
        (self._folder / str(step)).mkdir(parents=True, exist_ok=True)
        save_file(trained(model), self._folder / str(step) / WEIGHTS)

    def _restore(self, step: int, model: Module) -> None:
        from safetensors.torch import load_file

        own, kept = trained(model), load_file(self._folder / str(step) / WEIGHTS)
        if own.keys() != kept.keys():
            raise Mistake(f"{self._folder / str(step)}: weights of another model; run the stage again")
        for name, weight in own.items():
            weight.copy_(kept[name])


DONE: Mapping[Action, str] = {
    "warn": "the training goes on",
    "stop": "the training ends here",
    "roll_back": "the training ends here, and that step is kept",
    "raise_beta": "the weight of the KL divergence is raised",
}
"""What an alarm does, in words."""


def trained(model: Any) -> dict[str, Any]:
    """Return the weights that training changes, by name, each once, without their gradients."""
    return {name: weight.detach() for name, weight in model.named_parameters() if weight.requires_grad}
