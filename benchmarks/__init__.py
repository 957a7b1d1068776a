"""Measurements that one command repeats."""
