"""How fast reward models score and are trained, beside the plain way: `python -m benchmarks.rewards`.

All sides run in one process on the same models and texts, in turns, so that other work on the machine meets both; the
members' processes and the growth of memory have processes of their own. A ratio is how many times longer the plain way
takes by the clock, the median over rounds; `cpu_ratio` is the same in seconds of the processor, which other work on the
machine distorts less. Texts have mixed lengths: one in ten is three to eight times longer (`benchmarks/mixed.py`).

Scoring: four members on two threads against transformers' loop over batches of 64, padded in the order given, one
model after another, on one or on two threads, whichever is faster here; `heads`: one model of four outputs against the
same. Training: pairs per second of the steps alone, against TRL's RewardTrainer with its defaults (bf16, recompute) and
against it in float32 without recompute; each accuracy is printed beside. Members: four processes of one
training against one process of four.
"""

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks import mixed
from benchmarks.claims.lab import Lab
from benchmarks.claims.sizes import FULL, TOY
from benchmarks.clone import ROOT

NUM_MEMBERS = 4
GOALS = {
    "scoring_independent_ratio": (1.8, float("inf")),
    "scoring_heads_ratio": (5.0, float("inf")),
    "training_ratio": (1.5, float("inf")),
    "training_ratio_tuned": (1.15, float("inf")),
    "members_training_ratio": (1.5, float("inf")),
    "scoring_texts_exponent": (float("-inf"), 1.05),
}
"""What each figure should lie in."""


def reward_model(trunk: Path, seed: int, num_heads: int = 1) -> Any:
    """Return a reward model whose head is drawn from a seed; how fast it is does not depend on its training."""
    import torch

    from rlhf_pipeline import models
    from rlhf_pipeline.scoring import RewardModel

    model, tokenizer = models.reward_model_from(trunk, seed)
    if num_heads > 1:
        width = model.config.get_text_config().hidden_size
        model.score = torch.nn.Linear(width, num_heads, bias=False)
        model.config.num_labels = num_heads
    return RewardModel(model.eval(), tokenizer)


def measure_scoring(lab: Lab, trunk: Path, num_texts: int, rounds: int) -> dict[str, Any]:
    """Return what `scoring_speed.measure` returns, and the lengths."""
    from benchmarks import scoring_speed

    members = {str(seed): reward_model(trunk, seed) for seed in range(NUM_MEMBERS)}
    conversations = mixed.texts(lab, num_texts)
    found = scoring_speed.measure(members, reward_model(trunk, 0, NUM_MEMBERS), conversations, rounds)
    return found | {"lengths": mixed.lengths(members["0"].tokenizer, conversations)}


def measure_training(lab: Lab, trunk: Path, asked: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Return what `training_speed.measure` and `measure_members` return, and the lengths."""
    from benchmarks import training_speed
    from rlhf_pipeline import models
    from rlhf_pipeline.records import write_rows

    pairs = mixed.pairs(lab, "train", asked.pairs)
    held_out = mixed.pairs(lab, "test", asked.held_out)
    write_rows(folder / "pairs.jsonl", pairs)
    found = {
        "training": training_speed.measure(trunk, pairs, held_out, range(asked.seeds), folder),
        "members": training_speed.measure_members(
            trunk, folder / "pairs.jsonl", range(NUM_MEMBERS), folder, asked.member_rounds
        ),
    }
    sides = [row["prompt"] + row[side] for side in ("chosen", "rejected") for row in pairs]
    found["training"]["lengths"] = mixed.lengths(models.load_tokenizer(trunk), sides)
    return found


def measure_growth(asked: argparse.Namespace, trunk: Path) -> dict[str, Any]:
    """Return what `scoring_speed.measure_growth` finds in a fresh process."""
    command = [sys.executable, "-m", "benchmarks.rewards", "--growth", *map(str, asked.sizes), "--trunk", str(trunk)]
    command += ["--toy"] * asked.toy
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    return dict(json.loads(done.stdout.splitlines()[-1]))


def summarise(scoring: dict[str, Any], growth: dict[str, Any], trained: dict[str, Any]) -> dict[str, Any]:
    """Return the JSON line: the figures that have a goal, those that were missed, and all that was measured."""
    figures = {
        "scoring_independent_ratio": scoring["independent"]["ratio"],
        "scoring_heads_ratio": scoring["heads"]["ratio"],
        "training_ratio": trained["training"]["default"]["ratio"],
        "training_ratio_tuned": trained["training"]["tuned"]["ratio"],
        "members_training_ratio": trained["members"]["ratio"],
        "scoring_texts_exponent": growth["exponent"],
    }
    missed = [name for name, value in figures.items() if not GOALS[name][0] <= value <= GOALS[name][1]]
    return {
        **figures,
        "missed": missed,
        "scoring_peak_mb_by_size": growth["peak_mb"],
        "scoring": scoring,
        "growth": growth,
        **trained,
        "cpus": os.cpu_count(),
        "load": os.getloadavg(),
    }


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """Return the options."""
    parser = argparse.ArgumentParser("python -m benchmarks.rewards", description=__doc__)
    parser.add_argument("--seed", type=int, default=0, help="of the world")
    parser.add_argument("--texts", type=int, default=2000, help="that members score")
    parser.add_argument("--rounds", type=int, default=5, help="of scoring, of which the median counts")
    parser.add_argument("--sizes", type=int, nargs="+", default=[4000, 8000, 16_000, 32_000], help="of the growth")
    parser.add_argument("--pairs", type=int, default=4000, help="that a model is trained on")
    parser.add_argument("--held-out", type=int, default=1000, help="pairs that its accuracy is measured on")
    parser.add_argument("--seeds", type=int, default=3, help="of training, of which the median counts")
    parser.add_argument("--member-rounds", type=int, default=3, help="of the four members")
    parser.add_argument("--toy", action="store_true", help="in a small world, to try the benchmark")
    inner = parser.add_argument_group("what the processes of its own are given")
    inner.add_argument("--growth", type=int, nargs="+")
    inner.add_argument("--members", type=int, nargs="+")
    inner.add_argument("--trunk", type=Path)
    inner.add_argument("--pairs-file", type=Path)
    inner.add_argument("--out", type=Path)
    return parser.parse_args(arguments)


def run_part(asked: argparse.Namespace, lab: Lab) -> None:
    """Do what a process of its own is for."""
    if asked.members:
        from benchmarks.training_speed import train_members

        train_members(asked.trunk, asked.pairs_file, asked.members, asked.out)
        return
    from benchmarks.scoring_speed import measure_growth as measure

    print(json.dumps(measure(reward_model(asked.trunk, 0), lambda n: mixed.texts(lab, n), asked.growth)))


def main(arguments: Sequence[str]) -> None:
    """Measure all, print the lengths and, as the last line, one JSON object."""
    asked = parse(arguments)
    lab = Lab(asked.seed, TOY if asked.toy else FULL)
    if asked.members or asked.growth:
        run_part(asked, lab)
        return
    with TemporaryDirectory() as name:
        folder = Path(name)
        trunk = mixed.trunk(lab, folder / "trunk")
        scoring = measure_scoring(lab, trunk, asked.texts, asked.rounds)
        growth = measure_growth(asked, trunk)
        trained = measure_training(lab, trunk, asked, folder)
    for what, measured in (("texts", scoring), ("sides of pairs", trained["training"])):
        print(f"tokens of {what}:", ", ".join(f"{key} {value:.0f}" for key, value in measured["lengths"].items()))
    print(json.dumps(summarise(scoring, growth, trained)))


if __name__ == "__main__":
    main(sys.argv[1:])
