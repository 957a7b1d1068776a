"""Algorithms that weigh a step's completions by a rule of their own, on TRL's GRPOTrainer.

With one optimizer step per batch of completions the ratio in GRPO's loss is 1, and its gradient is that of the tokens'
log-probabilities times their weights. So a policy gradient method is the rule that gives the weights.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rlhf_pipeline.policy import groups, trainers

if TYPE_CHECKING:
    from torch import Tensor

KL_TO_LOAD_THE_REFERENCE = 1e-9
"""TRL keeps a reference model only where its own KL term weighs more than 0."""


@dataclass(frozen=True)
class Rollout:
    """The completions of a step, groups of n side by side: B = groups * n."""

    rewards: Tensor
    """[B] after shaping."""
    num_generations: int
    """n, completions per prompt."""
    mask: Tensor
    """[B, T] 1 for the tokens of a completion, its end included."""
    logps: Tensor
    """[B, T] log-probabilities under the policy that is trained."""
    ref_logps: Tensor
    """[B, T] under the reference."""

    @property
    def groups(self) -> Tensor:
        """Return the rewards by prompt, [G, n]."""
        return self.rewards.view(-1, self.num_generations)

    @property
    def log_ratios(self) -> Tensor:
        """Return each completion's log-ratio of policy and reference, [B] in nats."""
        return ((self.logps - self.ref_logps) * self.mask).sum(dim=1)


class Params(trainers.Params):
    """Settings of an algorithm of this kind."""

    @property
    def logs_kl(self) -> bool:
        """Return True: the rule is given the log-probabilities of both models."""
        return True


Weigh = Callable[[Rollout, Any], "Tensor"]
"""Takes the settings too. Gives each completion or each of its tokens a weight, [B] or [B, T]; above 0: likelier."""


def trainer(weigh: Weigh, setup: trainers.Setup, params: Params) -> Any:
    """Return a trainer whose loss is minus the mean over a batch's tokens of weight times log-probability.

    Args:
        weigh: the algorithm's rule.
        setup: as for every algorithm.
        params: its settings; `beta` is for the rule to use, the loss has no KL term.
    """
    from trl import GRPOTrainer

    return trainers.create_trainer(weighted(GRPOTrainer, weigh, params), config(setup, params), setup, params)


def config(setup: trainers.Setup, params: Params, **more: Any) -> Any:
    """Return GRPOConfig as weighted trainers need it; `more` is put over it."""
    from trl import GRPOConfig

    shared = trainers.arguments(setup, params) | {"beta": KL_TO_LOAD_THE_REFERENCE, "loss_type": "dapo"}
    return GRPOConfig(**{**shared, **more})


def weighted(base: Any, weigh: Weigh, params: Params) -> Any:
    """Return a class of GRPO trainer whose advantages are a rule's weights."""
    import torch

    class Weighted(groups.remembering(base)):  # type: ignore[misc]
        """Replaces the advantages of what was generated, and leaves the KL term out of the loss."""

        rule_params = params

        def _generate_and_score_completions(self, inputs: Any) -> Any:
            batch = super()._generate_and_score_completions(inputs)
            rewards = self.own_rewards(len(batch["completion_ids"]))
            mask = batch["completion_mask"]
            with torch.no_grad():
                rollout = Rollout(rewards, self.num_generations, mask, self._logps(batch), batch["ref_per_token_logps"])
                batch |= self._weigh(rollout)
            self._metrics["train"]["kl_sum"].append(self.accelerator.gather(rollout.log_ratios).mean().item())
            return batch

        def _weigh(self, rollout: Rollout) -> dict[str, Tensor]:
            """Return what a batch of the loss holds beside the completions; rows are shuffled together."""
            return {"advantages": weigh(rollout, self.rule_params)}

        def _logps(self, batch: Any) -> Any:
            """Return the log-probabilities of the completions under the policy, [B, T]."""
            return batch["old_per_token_logps"] if "old_per_token_logps" in batch else self._forward(batch)

        def _forward(self, batch: Any) -> Any:
            ids, masks = (
                torch.cat([batch[f"prompt_{kind}"], batch[f"completion_{kind}"]], dim=1) for kind in ("ids", "mask")
            )
            return self._get_per_token_logps_and_entropies(
                self.model, ids, masks, batch["completion_ids"].size(1), self.args.per_device_train_batch_size
            )[0]

        def _compute_loss(self, model: Any, inputs: Any) -> Any:
            # What beta does is in the weights: without this, TRL's loss adds its own KL term, and logs it.
            self.beta: float
            beta, self.beta = self.beta, 0.0
            try:
                return super()._compute_loss(model, inputs)
            finally:
                self.beta = beta

    return Weighted
