"""Tests of the loop's benchmark: the ratio is that of TRL's fastest setting, and every arm trains at toy size."""

import json
import subprocess
import sys

import pytest

from benchmarks.policy import ARMS, summarise


def test_the_ratio_is_that_of_the_setting_in_which_trl_is_fastest_round_by_round():
    rates = {arm: (30.0, 40.0) if arm.startswith("ours") else (10.0, 8.0) for arm in ARMS}
    rates |= {"trl, 2 threads": (20.0, 10.0), "ours, 1 thread": (25.0, 16.0)}
    found = {arm: [{"rate": rate, "cpu_rate": rate / 2, "gold": 7.0} for rate in both] for arm, both in rates.items()}
    told = summarise(found)
    assert told["best_of_trl"] == "2 threads"
    assert told["loop_ratio"] == told["ratios"]["2 threads"] == pytest.approx((1.5 + 4.0) / 2)
    assert told["ratios"]["1 thread"] == told["cpu_ratio"] == pytest.approx((2.5 + 2.0) / 2)
    assert told["skipping_ratio"] == pytest.approx((30 / 25 + 40 / 16) / 2)
    assert told["missed"] == []
    slower = {**found, "ours, 2 threads": found["trl, 2 threads"]}
    assert summarise(slower)["missed"] == ["loop_ratio"]
    apart = {**found, "trl, 2 processes": [{**one, "rate": 25.0} for one in found["trl, 2 threads"]]}
    assert summarise(apart)["loop_ratio"] == pytest.approx((30 / 25 + 40 / 25) / 2)  # ours, 2 processes


@pytest.mark.slow
def test_every_arm_trains_in_a_small_world(root):
    command = [sys.executable, "-m", "benchmarks.policy", "--toy", "--steps", "2", "--rounds", "1"]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True)
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["arms"].keys() == ARMS.keys()
    assert all(one["rate"] > 0 for one in found["arms"].values())
