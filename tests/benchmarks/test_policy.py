"""Tests of the loop's benchmark: the ratio is to the fastest of TRL's settings, and every arm trains at toy size."""

import json
import subprocess
import sys

import pytest

from benchmarks.policy import GRID, OURS, summarise


def test_the_ratio_is_to_the_fastest_of_the_grid_in_the_same_round_on_as_many_threads():
    rates = {**dict.fromkeys(GRID, (10.0, 8.0)), **dict.fromkeys(OURS, (30.0, 40.0))}
    fastest = "trl, 2 threads"
    rates |= {fastest: (20.0, 10.0), "ours": (25.0, 16.0)}
    found = {arm: [{"rate": rate, "cpu_rate": rate / 2, "gold": 7.0} for rate in both] for arm, both in rates.items()}
    told = summarise(found)
    assert told["best_of_trl"] == fastest
    assert told["loop_ratio"] == pytest.approx((1.5 + 4.0) / 2)
    assert told["one_thread_ratio"] == told["cpu_ratio"] == pytest.approx((2.5 + 2.0) / 2)
    assert told["skipping_ratio"] == pytest.approx((30 / 25 + 40 / 16) / 2)
    assert told["missed"] == []
    slower = {**found, "ours, 2 threads": found[fastest]}
    assert summarise(slower)["missed"] == ["loop_ratio"]
    apart = {**found, "trl, 2 processes": [{**one, "rate": 25.0} for one in found[fastest]]}
    assert summarise(apart)["loop_ratio"] == pytest.approx((30 / 25 + 40 / 25) / 2)  # ours, 2 processes


@pytest.mark.slow
def test_every_arm_trains_in_a_small_world(root):
    command = [sys.executable, "-m", "benchmarks.policy", "--toy", "--steps", "2", "--rounds", "1"]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True)
    found = json.loads(done.stdout.splitlines()[-1])
    assert set(found["arms"]) == {*GRID, *OURS}
    assert all(one["rate"] > 0 for one in found["arms"].values())
