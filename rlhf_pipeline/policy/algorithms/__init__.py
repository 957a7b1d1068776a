"""Methods: how a policy is optimised against a reward.

Each holds `Params` and `trainer(setup: Setup, params: Params) -> Trainer`, a TRL trainer ready to train.
"""
