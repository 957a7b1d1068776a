"""Methods: how an ensemble's rewards become one.

Each holds `Params` and `aggregate(rewards: Tensor [K, N], params: Params) -> Tensor [N]`; rewards are normalised already.
"""
