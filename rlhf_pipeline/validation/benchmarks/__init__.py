"""Readers and metrics of public reward-model benchmarks: none yet."""
