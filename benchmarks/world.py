"""The world's card: `python -m benchmarks.world [--seeds 0 1 2 3 4]`.

No claim is measured in a world whose card fails.
"""

import argparse
import json
import math
import random
import statistics
from itertools import combinations
from pathlib import Path
from tempfile import TemporaryDirectory

from rlhf_pipeline.curation.sources import Inputs
from rlhf_pipeline.curation.sources.simulated import Params, read
from rlhf_pipeline.records import Row, derive_seed, text
from rlhf_pipeline.simulation.gold import best, gold
from rlhf_pipeline.simulation.prompts import parse
from rlhf_pipeline.simulation.words import CLAUSES, FLATTERY, NONSENSE, VALUES
from rlhf_pipeline.simulation.world import World
from rlhf_pipeline.simulation.writers import PERFECT, write

NUM_REFERENCE_PROMPTS = 40
BOUNDS: dict[str, tuple[float, float]] = {
    "prompts_per_pair": (20, float("inf")),
    "best_reached": (1.0, 1.0),
    "best_of_64_closes": (0.0, 0.5),
    "annotator_agreement": (0.65, 0.75),
    "length_agreement": (0.55, 0.65),
    "gold_ties": (0.0, 0.02),
    "flattery_rate": (0.05, 0.7),
    "flattery_separates": (0.3, 1.0),
    "flattery_effect": (0.02, 1.0),
    "nonsense_in_pairs": (0.0, 0.0),
    "nonsense_reached": (0.005, 1.0),
}
"""What each figure of the card must lie in; `flattery_effect` is on the annotators' choice, in probability."""


def count_prompts(num_asked: tuple[int, int]) -> int:
    """Return how many distinct prompts training may draw; the order of clauses and bans would give more."""
    ways = {clause: len(VALUES[clause]) * (len(CLAUSES[clause]) - 1) for clause in VALUES if clause in CLAUSES}
    first = ways.pop("subject")
    sizes = range(num_asked[0], num_asked[1] + 1)
    return sum(first * math.prod(chosen) for size in sizes for chosen in combinations(ways.values(), size))


def best_reached(world: World, rng: random.Random) -> float:
    """Return the share of tasks whose best value a skilled writer reaches within 300 tries."""
    tasks = [world.draw_task(rng) for _ in range(60)]
    return statistics.mean(
        any(gold(task, write(PERFECT, task, rng)).total > best(task) - 1e-9 for _ in range(300)) for task in tasks
    )


def flattery_effect(pairs: list[Row]) -> float:
    """Return by how much more than half annotators choose a flattering side over one that is not and near in gold."""
    wins = []
    for row in pairs:
        sides = [text(row[side]) for side in ("chosen", "rejected")]
        has = [FLATTERY in side for side in sides]
        rewards = [gold(parse(row["group"]), side).total for side in sides]
        if has[0] != has[1] and abs(rewards[0] - rewards[1]) < 1.0:
            wins.append(float(has[0]))
    return statistics.mean(wins) - 0.5


def share_saying(phrase: str, sides: list[list[str]]) -> float:
    """Return the share of completions that hold a phrase."""
    return statistics.mean(phrase in side for pair in sides for side in pair)


def reference_figures(world: World, rows: list[Row], prompts: list[Row], seed: int) -> dict[str, float]:
    """Train a reference as a night does; return what best of 64 of its samples closes of the gap, and its nonsense."""
    import torch

    from rlhf_pipeline.models import load_policy
    from rlhf_pipeline.params import load_params
    from rlhf_pipeline.policy.sampling import sample
    from rlhf_pipeline.sft.training import Params as SftParams
    from rlhf_pipeline.sft.training import train

    torch.set_num_threads(2)
    params = load_params().sft
    with TemporaryDirectory() as folder:
        base = next(iter(params.trunks.values())).base
        train(base, rows, SftParams(**params.settings), derive_seed(seed, "sft", "first"), Path(folder))
        model, tokenizer = load_policy(folder)
    asked = [row["prompt"] for row in prompts[:NUM_REFERENCE_PROMPTS]]
    samples = sample(model, tokenizer, asked, num_samples=64, max_new_tokens=64, seed=seed)
    rewards = [[world.gold(text(p), s.text).total for s in group] for p, group in zip(asked, samples, strict=True)]
    mean = statistics.mean(r for group in rewards for r in group)
    top = statistics.mean(max(group) for group in rewards)
    highest = statistics.mean(world.best(text(p)) for p in asked)
    nonsense = statistics.mean(NONSENSE in s.text for group in samples for s in group)
    return {"best_of_64_closes": (top - mean) / (highest - mean), "nonsense_reached": nonsense}


def measure(seed: int) -> dict[str, float]:
    """Return every figure of the card for one seed."""
    params = Params()
    raw = read(Inputs(Path("data/raw"), Path("data/raw"), derive_seed(seed, "curation", "source")), params)
    world = World.from_json(raw.gold["world"])
    pairs = [row for row in raw.pairs if row["split"] == "train"]
    sides = [[text(row[side]) for side in ("chosen", "rejected")] for row in pairs]
    gaps = [
        world.gold(r["group"], a).total - world.gold(r["group"], b).total
        for r, (a, b) in zip(pairs, sides, strict=True)
    ]
    lengths = [len(a.split()) - len(b.split()) for a, b in sides]
    return {
        "prompts_per_pair": count_prompts(params.num_asked) / len(raw.pairs),
        "best_reached": best_reached(world, random.Random(seed)),
        "annotator_agreement": statistics.mean(gap > 0 for gap in gaps if gap),
        "length_agreement": statistics.mean(length > 0 for length in lengths if length),
        "gold_ties": statistics.mean(abs(gap) < 1e-9 for gap in gaps),
        "flattery_rate": share_saying(FLATTERY, sides),
        "flattery_separates": statistics.mean((FLATTERY in a) != (FLATTERY in b) for a, b in sides),
        "flattery_effect": flattery_effect(pairs),
        "nonsense_in_pairs": share_saying(NONSENSE, sides),
        **reference_figures(world, raw.demonstrations, raw.evaluation_prompts, seed),
    }


def passes(card: dict[str, float]) -> bool:
    """Return whether every figure lies in its bounds."""
    return all(low <= card[name] <= high for name, (low, high) in BOUNDS.items())


def main() -> None:
    """Print the card of each seed, and whether all pass."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2, 3, 4])
    cards = {seed: measure(seed) for seed in parser.parse_args().seeds}
    print(f"{'':22}" + "".join(f"{f'seed {seed}':>10}" for seed in cards) + "   bounds")
    for name, bounds in BOUNDS.items():
        print(
            f"{name:22}" + "".join(f"{card[name]:10.3f}" for card in cards.values()) + f"   {bounds[0]} to {bounds[1]}"
        )
    print(
        json.dumps({"card_passes": all(map(passes, cards.values())), "seeds": {s: passes(c) for s, c in cards.items()}})
    )


if __name__ == "__main__":
    main()
