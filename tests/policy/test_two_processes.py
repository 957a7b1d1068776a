"""Tests of a policy that several processes train together, as `accelerate launch` starts them."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from rlhf_pipeline.mistakes import Mistake
from rlhf_pipeline.policy.trainers import Params, per_process

SCRIPT = Path(__file__).with_name("two_processes.py")


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def climb(reference, out, *names, num_processes):
    out.mkdir()
    # With `--cpu` it starts one process, whatever is asked (accelerate 1.15); with `--multi_gpu` several, here by gloo.
    several = ["--multi_gpu"] if num_processes > 1 else []
    launch = [sys.executable, "-m", "accelerate.commands.launch", *several, "--num_processes", str(num_processes)]
    launch += ["--num_machines", "1", "--mixed_precision", "no", "--dynamo_backend", "no", "--main_process_port"]
    environment = {
        **os.environ,
        "OMP_NUM_THREADS": "1",
        "PYTHONPATH": str(SCRIPT.parents[2]),
        "ACCELERATE_USE_CPU": "true",
    }
    done = subprocess.run(
        [*launch, str(free_port()), SCRIPT, reference, out, *names],
        cwd=out, env=environment, capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads((out / "found.json").read_text())
    assert found["processes"] == num_processes
    return found["trajectory"]


@pytest.mark.parametrize("name", ["grpo", pytest.param("online_dpo", marks=pytest.mark.slow)])
def test_two_processes_climb_as_one_does(reference, tmp_path, name):
    alone, together = (climb(reference, tmp_path / str(n), name, num_processes=n) for n in (1, 2))
    assert [row["step"] for row in together] == [row["step"] for row in alone] == list(range(15))
    last = [sum(row["proxy_reward"] for row in rows[-5:]) / 5 for rows in (alone, together)]
    assert min(last) > 1
    assert last[1] == pytest.approx(last[0], rel=0.25)  # other completions are drawn
    assert abs(together[0]["kl"]) < 1e-4
    assert (tmp_path / "2/model/model.safetensors").exists()


@pytest.mark.slow
def test_two_processes_learn_the_same_from_prompts_that_are_read_once(reference, tmp_path):
    shared, whole = (
        climb(reference, tmp_path / kind, "grpo", kind, num_processes=2) for kind in ("shared", "whole")
    )  # fmt: skip
    for name in ("proxy_reward", "kl"):
        assert [row[name] for row in shared] == pytest.approx([row[name] for row in whole], rel=1e-3, abs=1e-4)


def test_a_batch_is_shared_out_in_whole_groups(monkeypatch):
    params = Params(batch_size=48, num_generations=8, rows_at_once=12)
    assert per_process(params) == {"per_device_train_batch_size": 12, "gradient_accumulation_steps": 4}
    monkeypatch.setenv("WORLD_SIZE", "2")
    assert per_process(params) == {"per_device_train_batch_size": 12, "gradient_accumulation_steps": 2}
    uneven = Params(batch_size=48, num_generations=8, rows_at_once=16)  # divides the batch, and not a share of 24
    assert per_process(uneven) == {"per_device_train_batch_size": 8, "gradient_accumulation_steps": 3}
    monkeypatch.setenv("WORLD_SIZE", "4")
    with pytest.raises(Mistake, match="batch_size 48: 4 processes take whole groups of 8 completions; write 32 or 64"):
        per_process(params)
