"""What one GPU gives: tokens generated, trained and scored per second, memory, utilisation: `python -m benchmarks.gpu`.

Random weights of real shapes, so nothing is downloaded; how fast a model is does not depend on what it has learned.
Each measurement is a process of its own: `generate` and `train` on the given sizes, `score` with four members, and
whole steps of GRPO as TRL's trainer and as the `gpu` profile take them (`loop`, benchmarks/gpu_loop.py).
Utilisation is the arithmetic that the task needs over the card's own measured matrix rate: 2 per weight and token
forward, 2 for the gradient of activations, 2 for that of weights, where weights are trained; what recomputing adds is
not counted. Where there is no CUDA device the same code runs on the processor (`--sizes toy`). The last line is one
JSON object.
"""

import argparse
import json
import resource
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.clone import ROOT
from benchmarks.gpu_loop import loop
from benchmarks.gpu_variants import SIZES, MissingError, device, generate, score, timed, train

GENERATE = ("plain", "ours", "static", "continuous", "vllm")
TRAIN = ("full", "full, recompute", "lora", "lora, recompute", "full, liger", "lora, liger")
SCORE = ("one", "heads", "adapters", "independent")
LOOP = ("trl", "profile")
GOALS = {"train/8b/lora": 0.4, "train/1.5b/full": 0.4, "generate/ratio": 3.0, "score/heads": 1.1, "score/adapters": 3.0}
"""Aims on one H200: utilisation; times plain `generate`; times the seconds of one member, at most."""


def matrix_rate(size: int, rounds: int = 20) -> float:
    """Return the arithmetic per second of a bf16 matrix product, the best of a few rounds."""
    import torch

    first, second = (torch.randn(size, size, device=device(), dtype=torch.bfloat16) for _ in range(2))
    return 2 * size**3 / min(timed(lambda: first @ second) for _ in range(rounds))


def memory() -> float:
    """Return the most memory that was taken, in GiB: of the device, or of this process."""
    import torch

    if device() == "cuda":
        return torch.cuda.max_memory_allocated() / 2**30
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def measure(what: str, size: str, variant: str, asked: argparse.Namespace) -> dict[str, Any]:
    """Return one measurement, or why there is none."""
    import torch

    try:
        if what == "generate":
            found = generate(size, variant, asked.batch, asked.prompt, asked.new)
        elif what == "train":
            found = train(size, variant, asked.rows, asked.length)
        elif what == "loop":
            found = loop(size, variant, asked.batch, asked.rows, asked.prompt, asked.new)
        else:
            found = score(size, variant, asked.rows, asked.length)
        return found | {"peak_gib": memory()}
    except MissingError as error:
        return {"missing": str(error)}
    except torch.OutOfMemoryError:
        return {"missing": "memory"}


def in_process(asked: argparse.Namespace, *names: str) -> dict[str, Any]:
    """Return what a process of its own measures."""
    numbers = [f"--{name}={getattr(asked, name)}" for name in ("batch", "prompt", "new", "rows", "length")]
    command = [sys.executable, "-m", "benchmarks.gpu", "--measure", *names, *numbers]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        return {"missing": f"it failed: {done.stderr.strip().splitlines()[-1]}"}
    return dict(json.loads(done.stdout.splitlines()[-1]))


def summarise(found: Mapping[str, Mapping[str, Any]], sizes: Sequence[str], rate: float) -> dict[str, Any]:
    """Return the last line: everything measured, with ratios and utilisation."""
    told: dict[str, Any] = {name: dict(one) for name, one in found.items()}
    for name, one in told.items():
        if "arithmetic_per_second" in one:
            one["utilisation"] = one["arithmetic_per_second"] / rate
        if name.startswith("generate/") and "tokens_per_second" in one:
            plain = told[name.rpartition("/")[0] + "/plain"].get("tokens_per_second")
            one["times_plain"] = one["tokens_per_second"] / plain if plain else None
        if name == f"loop/{name.split('/')[1]}/profile" and "tokens_per_second" in one:
            trl = told[name.rpartition("/")[0] + "/trl"].get("tokens_per_second")
            one["times_trl"] = one["tokens_per_second"] / trl if trl else None
        if name.startswith("score/") and "seconds" in one:
            alone = told[name.rpartition("/")[0] + "/one"].get("seconds")
            one["times_one"] = one["seconds"] / alone if alone else None
    return {
        "device": device_name(),
        "matrix_tflops": rate / 1e12,
        "sizes": list(sizes),
        "goals": GOALS,
        "measured": told,
    }


def device_name() -> str:
    """Return the device's name."""
    import platform

    import torch

    return torch.cuda.get_device_name() if device() == "cuda" else platform.processor() or platform.machine()


def main(arguments: Sequence[str]) -> None:
    """Measure everything, print a line each and, as the last line, one JSON object."""
    parser = argparse.ArgumentParser("python -m benchmarks.gpu", description=__doc__)
    parser.add_argument("--sizes", nargs="+", choices=SIZES, default=["0.5b", "1.5b", "8b"])
    parser.add_argument("--batch", type=int, default=64, help="completions drawn together")
    parser.add_argument("--prompt", type=int, default=256, help="tokens of a prompt")
    parser.add_argument("--new", type=int, default=256, help="tokens of a completion")
    parser.add_argument("--rows", type=int, default=8, help="rows trained or scored together")
    parser.add_argument("--length", type=int, default=1024, help="tokens of a row")
    parser.add_argument("--matrix", type=int, default=8192, help="rows and columns of the matrix whose rate counts")
    parser.add_argument("--out", type=Path, help="a file for the last line")
    parser.add_argument(
        "--measure", nargs=3, metavar=("WHAT", "SIZE", "VARIANT"), help="what a process of its own is given"
    )
    asked = parser.parse_args(arguments)
    if asked.measure:
        what, size, variant = asked.measure
        print(json.dumps(measure(what, size, variant, asked)))
        return
    rate, found = matrix_rate(asked.matrix), {}
    for size in asked.sizes:
        for what, variants in (("generate", GENERATE), ("train", TRAIN), ("score", SCORE), ("loop", LOOP)):
            for variant in variants:
                name = f"{what}/{size}/{variant}"
                found[name] = in_process(asked, what, size, variant)
                print(name, found[name], flush=True)
    last = json.dumps(summarise(found, asked.sizes, rate))
    if asked.out:
        asked.out.write_text(last + "\n", encoding="utf-8")
    print(last)


if __name__ == "__main__":
    main(sys.argv[1:])
