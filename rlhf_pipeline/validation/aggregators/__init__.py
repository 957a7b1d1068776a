"""Methods: how an ensemble's rewards become one.

Each holds `Params` and `aggregate(rewards: Tensor, params: Params) -> Tensor`, from [K, N] normalised rewards to [N].
"""
