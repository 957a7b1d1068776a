"""Methods: what a reward model is trained to minimise.

Each holds `Params` and `loss(chosen_rewards [B], rejected_rewards [B], margin [B], params) -> [B]` losses, not
averaged.
"""
