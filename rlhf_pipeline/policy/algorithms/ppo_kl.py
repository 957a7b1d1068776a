"""Proximal policy optimisation with the KL divergence in the reward: Stiennon et al. 2020 (arXiv:2009.01325).

Each token's reward is -beta times its log-ratio to the reference, the last one's also the ensemble's. Advantages are
those of GAE (Schulman et al. 2016, arXiv:1506.02438) with a value head. Departs from the paper in the value: a linear
head on the policy's last hidden states, which it does not train, instead of a second model.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import Field

from rlhf_pipeline.policy import rollouts, trainers
from rlhf_pipeline.policy.rollouts import Rollout

if TYPE_CHECKING:
    from torch import Tensor

NO_SPREAD = 1e-8
HEAD = "value_head"


class Params(rollouts.Params):
    """Settings of PPO."""

    beta: float = Field(0.05, ge=0, description="reward lost per nat of a token's log-ratio to the reference")
    epsilon: float = Field(0.2, gt=0, description="the probability ratio of a token is clipped to 1 ± this")
    gamma: float = Field(1.0, gt=0, le=1, description="discount per token")
    lam: float = Field(0.95, ge=0, le=1, description="GAE: 0 trusts the value head, 1 the rewards alone")
    value_weight: float = Field(0.1, gt=0, description="weight of the value head's squared error in the loss")


def trainer(setup: trainers.Setup, params: Params) -> Any:
    """Return a trainer with a value head on the policy, which is taken off again before the policy is saved."""
    import torch
    from trl import GRPOTrainer

    head = torch.nn.Linear(setup.policy.config.get_text_config().hidden_size, 1, device=setup.policy.device)
    torch.nn.init.zeros_(head.weight)
    torch.nn.init.zeros_(head.bias)
    setup.policy.add_module(HEAD, head)
    reader = Reader()
    setup.policy.base_model.register_forward_hook(reader.read)
    config = rollouts.config(setup, params, epsilon=params.epsilon)
    return trainers.create_trainer(with_values(GRPOTrainer, params, reader), config, setup, params, added=[HEAD])


class Reader:
    """Keeps the last hidden states of what the policy reads, while it is asked to."""

    def __init__(self) -> None:
        self._seen: list[Tensor] | None = None

    def begin(self) -> None:
        """Keep what is read from now on."""
        self._seen = []

    def read(self, module: Any, inputs: Any, outputs: Any) -> None:
        """Keep the last hidden states of a forward pass, [b, L, H], without their gradient."""
        if self._seen is not None:
            self._seen.append(outputs.last_hidden_state.detach())

    def end(self, num_tokens: int) -> Tensor:
        """Return the states before each of the last tokens of the rows that were read, [B, T, H]; keep no more."""
        import torch

        seen, self._seen = self._seen or [], None
        return torch.cat([states[:, -num_tokens - 1 : -1] for states in seen])


def with_values(base: Any, params: Params, reader: Reader) -> Any:
    """Return a class of trainer whose weights are the advantages of tokens over a value head, which learns beside."""

    class WithValues(rollouts.weighted(base, lambda rollout, _: rollout.rewards, params)):  # type: ignore[misc]
        """Reads the values off the passes that the trainer makes anyway, so their rows and columns stay as they are."""

        reads_whole_batches = True

        def _values(self, num_tokens: int) -> Tensor:
            """Return the value before each of the last tokens of the rows just read, [B, T]."""
            head: Any = getattr(self.accelerator.unwrap_model(self.model), HEAD)
            values: Tensor = head(reader.end(num_tokens)).squeeze(-1)
            return values

        def _logps(self, batch: Any) -> Any:
            reader.begin()
            return self._forward(batch)  # always: the hidden states of what was generated are needed

        def _weigh(self, rollout: Rollout) -> dict[str, Tensor]:
            values = self._values(rollout.mask.shape[1])
            rewards = token_rewards(rollout, self.rule_params.beta)
            advantages, returns = gae(rewards, values, rollout.mask, params.gamma, params.lam)
            return {"advantages": standardise(advantages, rollout.mask), "returns": returns}

        def _compute_loss(self, model: Any, inputs: Any) -> Any:
            reader.begin()
            loss = super()._compute_loss(model, inputs)
            inside = inputs["completion_mask"].bool()
            returns = inputs["returns"][inside]
            value_loss = (self._values(inside.shape[1])[inside] - returns).square().mean()
            self._metrics["train"]["value_loss"].append(value_loss.item())
            return loss + params.value_weight * value_loss / self.current_gradient_accumulation_steps

    return WithValues


def token_rewards(rollout: Rollout, beta: float) -> Tensor:
    """Return each token's reward, [B, T]: less `beta` per nat of log-ratio, and the completion's reward at its end."""
    import torch

    mask = rollout.mask
    last = (mask.sum(dim=1, keepdim=True) - 1).clamp(min=0).long()
    penalty = -beta * (rollout.logps - rollout.ref_logps) * mask
    return penalty.scatter_add(1, last, torch.as_tensor(rollout.rewards, dtype=penalty.dtype)[:, None])


def gae(rewards: Tensor, values: Tensor, mask: Tensor, gamma: float, lam: float) -> tuple[Tensor, Tensor]:
    """Return advantages and returns of tokens, [B, T] each, zero outside the mask.

    Args:
        rewards: [B, T] of tokens.
        values: [B, T] before each token.
        mask: [B, T] 1 for the tokens of a completion, which stand first.
        gamma: discount per token.
        lam: decay of what later errors count.
    """
    import torch

    advantages = torch.zeros_like(rewards)
    after, later = torch.zeros_like(rewards[:, 0]), torch.zeros_like(rewards[:, 0])
    for place in reversed(range(rewards.shape[1])):
        inside = mask[:, place]
        error = rewards[:, place] + gamma * after - values[:, place]
        later = (error + gamma * lam * later) * inside
        after = values[:, place] * inside
        advantages[:, place] = later
    return advantages, (advantages + values) * mask


def standardise(advantages: Tensor, mask: Tensor) -> Tensor:
    """Return advantages with mean 0 and spread 1 over the tokens of a batch, [B, T]."""
    count = mask.sum().clamp(min=1)
    mean = (advantages * mask).sum() / count
    spread = (((advantages - mean) * mask).square().sum() / count).sqrt()
    return (advantages - mean) / spread.clamp(min=NO_SPREAD) * mask
