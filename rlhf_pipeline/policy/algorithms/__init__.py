"""Methods: how a policy is optimised against a reward.

Each holds `Params` and `trainer(setup: Setup, params: Params) -> Trainer`, a TRL trainer ready to train. One that only
weighs a step's completions by a rule of its own holds `weigh(rollout: Rollout, params: Params) -> Tensor`, [B] or
[B, T], and leaves the trainer to `policy/rollouts.py`.
"""

from rlhf_pipeline.policy.rollouts import Rollout

__all__ = ["Rollout"]
