"""How fast a policy is optimised, beside TRL's own trainer: `python -m benchmarks.policy`.

Every arm is GRPO on the same trunk, prompts, members, batches, completion limit, precision and steps, in a process of
its own, in turns, so that other work on the machine meets all. `ours` is the night's loop; `trl` is TRL's GRPOTrainer
as its users write it, the four members given to it as reward models. Both run in every setting of `SETTINGS`. `ratios`
are ours over TRL's in the same setting, in completions per second of the steps, the median over rounds; `loop_ratio`
is that in the setting in which TRL is fastest, and `cpu_ratio` that of one process and thread in seconds of the
processor. Several processes are those of `accelerate launch`.
Gold after training stands beside each, mean over rounds, which differ by the seed.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from statistics import fmean, median
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.claims.lab import Lab
from benchmarks.claims.sizes import FULL, TOY
from benchmarks.clone import ROOT

GOAL = 1.5
LATER = {"steps_per_generation": 4}
SETTINGS: Mapping[str, Mapping[str, Any]] = {
    "1 thread": {"threads": 1},
    "2 threads": {"threads": 2},
    "2 processes": {"threads": 1, "processes": 2},
    "1 thread, completions of 4 steps at once": {"threads": 1, **LATER},
    "2 threads, completions of 4 steps at once": {"threads": 2, **LATER},
    "2 processes, completions of 4 steps at once": {"threads": 1, "processes": 2, **LATER},
}
"""Completions of several steps at once are drawn faster and are older when they train."""
SKIPPING = "ours, 1 thread, idle groups skipped"
ARMS: Mapping[str, Mapping[str, Any]] = {
    **{f"{side}, {name}": own for name, own in SETTINGS.items() for side in ("ours", "trl")},
    SKIPPING: {**SETTINGS["1 thread"], "idle_groups": "skip"},
}
"""Ours scores the members on as many threads, a model on each."""
LAUNCH = (
    "--multi_gpu",  # with --cpu it starts one process, whatever is asked (accelerate 1.15)
    "--num_machines",
    "1",
    "--mixed_precision",
    "no",
    "--dynamo_backend",
    "no",
    "--main_process_port",
    "0",
)
"""Of `accelerate launch`: any free port of this machine."""
ON_CPU = {"ACCELERATE_USE_CPU": "true"}
"""What the processes are told, so that they are joined by gloo."""


def optimise_ours(lab: Lab, folder: Path, seed: int, num_steps: int, threads: int, **settings: Any) -> dict[str, float]:
    """Train a policy as the night does, save it, and return what the steps took."""
    from benchmarks.claims.parts import ensembles, policies, trunks
    from rlhf_pipeline import checkpoints, methods
    from rlhf_pipeline.policy.training import train

    set_threads(threads)
    algorithm = methods.load("policy/algorithms", "grpo")
    # Samples along the way are for the guard: the plain trainer saves none.
    given = {"num_steps": num_steps, "save_samples_steps": num_steps, "num_sampled_prompts": 1, **settings}
    params = methods.settings(algorithm, given)
    ensemble = policies.ensemble(lab, ensembles.strong(lab), "mean")
    clock: dict[str, float] = {}
    real = checkpoints.train
    checkpoints.train = partial(clocked, real, clock)
    try:
        train(trunks.trunk(lab), ensemble, prompts(lab), algorithm, params, seed, folder, threads)
    finally:
        checkpoints.train = real
    return rates(clock, num_steps * params.batch_size)


def optimise_trl(lab: Lab, folder: Path, seed: int, num_steps: int, threads: int, **config: Any) -> dict[str, float]:
    """Train a policy with TRL's trainer as it comes, save it, and return what the steps took."""
    from datasets import Dataset
    from trl import GRPOConfig, GRPOTrainer

    from benchmarks.claims.parts import ensembles, members, policies, trunks
    from rlhf_pipeline import methods, models
    from rlhf_pipeline.policy.algorithms import grpo
    from rlhf_pipeline.policy.trainers import Setup, arguments

    set_threads(threads)
    params = methods.settings(grpo, {"num_steps": num_steps})
    policy, tokenizer = models.load_policy(trunks.trunk(lab))
    scales = policies.ensemble(lab, ensembles.strong(lab), "mean").statistics.scale.tolist()
    loaded = [members.load(path) for path in ensembles.strong(lab)]
    dataset = Dataset.from_list([{"prompt": row["prompt"]} for row in prompts(lab)])
    own = arguments(Setup(policy, tokenizer, dataset, lambda **_: [0.0], seed), params)
    args = GRPOConfig(
        **{**own, "output_dir": str(folder), "save_strategy": "no", "ddp_broadcast_buffers": None, **config},
        epsilon=params.epsilon, scale_rewards=params.scale_rewards, loss_type=params.loss_type,
        reward_weights=[1 / (len(scales) * scale) for scale in scales],
    )  # fmt: skip
    trainer = GRPOTrainer(
        policy,
        [one.model for one in loaded],
        args=args,
        train_dataset=dataset,
        processing_class=tokenizer,
        reward_processing_classes=[one.tokenizer for one in loaded],
    )
    clock: dict[str, float] = {}
    clocked(lambda trainer: trainer.train(), clock, trainer)
    models.save_model(folder, policy, tokenizer)
    return rates(clock, num_steps * params.batch_size)


def set_threads(count: int) -> None:
    """Compute on so many threads from now on."""
    import torch

    torch.set_num_threads(count)


def clocked(act: Any, clock: dict[str, float], *given: Any) -> None:
    """Do something and write how long it took: by the clock, and in seconds of this process's processors."""
    begun, used = time.perf_counter(), time.process_time()
    act(*given)
    clock |= {"seconds": time.perf_counter() - begun, "cpu_seconds": time.process_time() - used}


def rates(clock: Mapping[str, float], count: int) -> dict[str, float]:
    """Return completions per second, and per second of the processor."""
    num_processes = int(os.environ.get("WORLD_SIZE", "1"))  # each with as much to do
    return {"rate": count / clock["seconds"], "cpu_rate": count / clock["cpu_seconds"] / num_processes}


def prompts(lab: Lab) -> list[dict[str, Any]]:
    """Return the world's prompts for policies, with ids."""
    from benchmarks.claims.parts import worlds

    rows = worlds.draw(lab).policy_prompts
    return [{**row, "id": row.get("id", f"policy-{number}")} for number, row in enumerate(rows)]


def measure_arm(lab: Lab, arm: str, seed: int, num_steps: int) -> dict[str, float]:
    """Return rates of one arm and the mean gold of its policy; nothing where this is not the first of its processes."""
    from accelerate import PartialState

    from benchmarks.claims.parts import samples, worlds
    from rlhf_pipeline.models import load_policy
    from rlhf_pipeline.policy.sampling import sample
    from rlhf_pipeline.records import text

    with TemporaryDirectory() as name:
        settings = dict(ARMS[arm])
        several = settings.pop("processes", 1)
        optimise = optimise_trl if arm.startswith("trl") else optimise_ours
        found = optimise(lab, Path(name), seed, num_steps, **settings)
        if PartialState().num_processes != several:
            raise RuntimeError(f"{arm}: ran in {PartialState().num_processes} processes")
        if os.environ.get("RANK", "0") != "0":
            return {}
        asked = [row["prompt"] for row in worlds.draw(lab).evaluation_prompts]
        limit = samples.MAX_NEW_TOKENS
        said = sample(*load_policy(name), asked, num_samples=2, max_new_tokens=limit, seed=seed)
    world = worlds.world(lab)
    golds = [world.gold(text(p), one.text).total for p, group in zip(asked, said, strict=True) for one in group]
    return found | {"gold": fmean(golds)}


def in_process(asked: argparse.Namespace, arm: str, seed: int) -> dict[str, float]:
    """Return what a process of its own, or several, measure of an arm."""
    several = ARMS[arm].get("processes", 1)
    launch = ["accelerate.commands.launch", *LAUNCH, "--num_processes", str(several), "-m"] if several > 1 else []
    command = [sys.executable, "-m", *launch, "benchmarks.policy", "--arm", arm, "--seed", str(asked.seed)]
    command += ["--training-seed", str(seed), "--steps", str(asked.steps), *["--toy"] * asked.toy]
    done = subprocess.run(command, cwd=ROOT, env=os.environ | ON_CPU, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{arm}: {done.stderr[-2000:]}")
    told = [line for line in done.stdout.splitlines() if line.startswith("{")]  # that of the first process
    return dict(json.loads(told[-1]))


def summarise(found: Mapping[str, Sequence[Mapping[str, float]]]) -> dict[str, Any]:
    """Return the JSON line of all arms' rounds."""
    arms = {
        arm: {
            "rate": median(one["rate"] for one in rounds),
            "cpu_rate": median(one["cpu_rate"] for one in rounds),
            "gold": fmean(one["gold"] for one in rounds),
        }
        for arm, rounds in found.items()
    }
    best = max(SETTINGS, key=lambda name: arms[f"trl, {name}"]["rate"])

    def ratio(arm: str, against: str, name: str = "rate") -> float:
        return median(a[name] / b[name] for a, b in zip(found[arm], found[against], strict=True))

    ratios = {name: ratio(f"ours, {name}", f"trl, {name}") for name in SETTINGS}
    return {
        "loop_ratio": ratios[best],
        "ratios": ratios,
        "cpu_ratio": ratio("ours, 1 thread", "trl, 1 thread", "cpu_rate"),
        "skipping_ratio": ratio(SKIPPING, "ours, 1 thread"),
        "missed": ["loop_ratio"] * (ratios[best] < GOAL),
        "best_of_trl": best,
        "arms": arms,
        "cpus": os.cpu_count(),
        "load": os.getloadavg(),
    }


def main(arguments: Sequence[str]) -> None:
    """Measure all arms in turns, print a line for each and, as the last line, one JSON object."""
    parser = argparse.ArgumentParser("python -m benchmarks.policy", description=__doc__)
    parser.add_argument("--seed", type=int, default=0, help="of the world")
    parser.add_argument("--steps", type=int, default=120, help="of each policy")
    parser.add_argument("--rounds", type=int, default=3, help="each with another seed of training")
    parser.add_argument("--toy", action="store_true", help="in a small world, to try the benchmark")
    inner = parser.add_argument_group("what the processes of its own are given")
    inner.add_argument("--arm", choices=ARMS)
    inner.add_argument("--training-seed", type=int)
    asked = parser.parse_args(arguments)
    lab = Lab(asked.seed, TOY if asked.toy else FULL)
    if asked.arm:
        found_here = measure_arm(lab, asked.arm, asked.training_seed, asked.steps)
        print(*[json.dumps(found_here)] * bool(found_here))
        return
    from benchmarks.claims.parts import ensembles

    ensembles.strong(lab)  # made once, before the clocks run
    found: dict[str, list[dict[str, float]]] = {arm: [] for arm in ARMS}
    for seed in range(asked.rounds):
        for arm, rounds in found.items():
            rounds.append(in_process(asked, arm, seed))
            print(f"{arm}: " + ", ".join(f"{key} {value:.2f}" for key, value in rounds[-1].items()), flush=True)
    print(json.dumps(summarise(found)))


if __name__ == "__main__":
    main(sys.argv[1:])
