"""Data in which nothing is planted, in many shapes, and how often `rlhf data check` raises an alarm there.

Preferences, scores and labels are drawn without a look at the texts, and annotators are all as reliable as one another.
Whatever estimate is told of such data is a false alarm. Counts are facts, and are counted apart.

    python -m benchmarks.clean --rounds 10
"""

import argparse
import json
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np

from benchmarks.planted import say, sound_pairs, vocabulary
from rlhf_pipeline.curation.curate import Curated
from rlhf_pipeline.curation.findings import Finding, find
from rlhf_pipeline.curation.inspection import read_files, recognise_all
from rlhf_pipeline.curation.split import PAIR_SPLITS
from rlhf_pipeline.records import Row, assistant, derive_seed, user, write_rows
from rlhf_pipeline.simulation.pairs import draw_pairs
from rlhf_pipeline.simulation.world import World, WorldParams

Files = dict[str, list[Row]]
Draw = Callable[[np.random.Generator], Files]

NUM_ANNOTATORS, VOTES, RELIABILITY = 25, 3, 0.75
PROMPT_WORDS, REPLY_WORDS = (8, 20), (5, 40)
STOCK_REPLY, STOCK_FRACTION = "I do not know.", 0.1


def from_world(count: int) -> Draw:
    """Return pairs and votes of the simulated world; a coin, the same for all who vote, says what they prefer."""

    def draw(rng: np.random.Generator) -> Files:
        world = World(int(rng.integers(2**31)), WorldParams(careless_fraction=0, intransitive_fraction=0))
        rows = draw_pairs(world, count, "train")
        turned = [row | {"chosen": row["rejected"], "rejected": row["chosen"]} for row in rows]
        heads = rng.random(count) < 0.5
        kept = [old if head else new for old, new, head in zip(rows, turned, heads, strict=True)]
        return {"world": [{k: v for k, v in row.items() if not k.endswith("_rating")} for row in kept]}

    return draw


def plain(count: int) -> Draw:
    """Return pairs of invented words."""
    return lambda rng: {"plain": list(sound_pairs(count, rng))}


def sliced(count: int, parts: int) -> Draw:
    """Return pairs of invented words in parts, each of which is measured by itself."""

    def draw(rng: np.random.Generator) -> Files:
        return {"sliced": [row | {"slice": f"part {n % parts}"} for n, row in enumerate(sound_pairs(count, rng))]}

    return draw


def voted(count: int) -> Draw:
    """Return pairs that some of many annotators voted on, each right about the majority as often as the others."""

    def draw(rng: np.random.Generator) -> Files:
        def votes() -> list[Row]:
            names = rng.choice(NUM_ANNOTATORS, VOTES, replace=False)
            cast = ["chosen" if rng.random() < RELIABILITY else "rejected" for _ in names]
            return [{"annotator": f"a{name}", "vote": vote} for name, vote in zip(names, cast, strict=True)]

        return {"voted": [row | {"votes": votes()} for row in sound_pairs(count, rng)]}

    return draw


def scored(count: int) -> Draw:
    """Return prompts with four completions and a score for each."""

    def draw(rng: np.random.Generator) -> Files:
        words = vocabulary(rng)
        return {
            "scored": [
                {
                    "instruction": say(words, PROMPT_WORDS, rng),
                    "completions": [
                        {"response": say(words, REPLY_WORDS, rng), "overall_score": float(rng.integers(1, 11))}
                        for _ in range(4)
                    ],
                }
                for _ in range(count)
            ]
        }

    return draw


def rated(count: int) -> Draw:
    """Return three rated completions of each prompt, a row each."""

    def draw(rng: np.random.Generator) -> Files:
        words = vocabulary(rng)
        prompts = [say(words, PROMPT_WORDS, rng) for _ in range(count)]
        return {
            "rated": [
                {"prompt": prompt, "response": say(words, REPLY_WORDS, rng), "helpfulness": int(rng.integers(5))}
                for prompt in prompts
                for _ in range(3)
            ]
        }

    return draw


def labelled(count: int, files: int, positive: float) -> Draw:
    """Return labelled completions in files, a share of them good, some of them the same reply to many prompts."""

    def draw(rng: np.random.Generator) -> Files:
        words = vocabulary(rng)

        def rows() -> Iterator[Row]:
            for _ in range(count):
                prompt = user(say(words, PROMPT_WORDS, rng))
                for place in range(2):
                    is_stock = place == 0 and rng.random() < 2 * STOCK_FRACTION
                    said = STOCK_REPLY if is_stock else say(words, REPLY_WORDS, rng)
                    yield {
                        "prompt": prompt,
                        "completion": assistant(said),
                        "label": bool(rng.random() < positive),
                    }

        return {f"labelled {chr(97 + number)}": list(rows()) for number in range(files)}

    return draw


SHAPES: dict[str, Draw] = {
    "world of 200": from_world(200),
    "world of 1,000": from_world(1000),
    "pairs of 200": plain(200),
    "pairs of 1,000": plain(1000),
    "pairs of 5,000": plain(5000),
    "eight slices of 250": sliced(2000, 8),
    "votes on 150": voted(150),
    "scores of 120 prompts": scored(120),
    "ratings of 300 prompts": rated(300),
    "labels of 6 files of 12 prompts": labelled(12, 6, 0.5),
    "labels of 2 files of 300 prompts": labelled(300, 2, 0.85),
}


def check(shape: str, seed: int) -> list[Finding]:
    """Draw a data set, write it as its makers would, read it as it is recognised, and return what was found."""
    rng = np.random.default_rng(derive_seed(seed, "clean", shape))
    drawn = SHAPES[shape](rng)
    with tempfile.TemporaryDirectory() as folder:
        files = [Path(folder) / f"{name}.jsonl" for name in drawn]
        for file, rows in zip(files, drawn.values(), strict=True):
            write_rows(file, rows)
        raw_by_file = read_files(files, recognise_all(files))
    return find(Curated(0, {name: [] for name in PAIR_SPLITS}, []), raw_by_file)


def measure(rounds: int, first_seed: int = 0) -> dict[str, Counter[str]]:
    """Return by shape how many data sets had each finding, and how many had an estimate at all."""
    told: dict[str, Counter[str]] = {}
    for shape in SHAPES:
        counter = told[shape] = Counter()
        for seed in range(first_seed, first_seed + rounds):
            found = check(shape, seed)
            counter.update({("estimate: " if f.chance is not None else "") + f.name for f in found})
            counter["alarmed"] += any(f.chance is not None for f in found)
    return told


def main(arguments: Sequence[str]) -> None:
    """Measure and print one line per shape and, as the last line, one JSON object."""
    parser = argparse.ArgumentParser("python -m benchmarks.clean", description=__doc__)
    parser.add_argument("--rounds", type=int, default=10, help="data sets of each shape")
    parser.add_argument("--seed", type=int, default=0, help="of the first round")
    asked = parser.parse_args(arguments)
    told = measure(asked.rounds, asked.seed)
    for shape, counter in told.items():
        print(f"{shape}: " + ", ".join(f"{name} {number}" for name, number in sorted(counter.items())))
    alarmed = sum(counter["alarmed"] for counter in told.values())
    print(json.dumps({"alarmed": alarmed, "sets": asked.rounds * len(told), "by_shape": told}))


if __name__ == "__main__":
    main(sys.argv[1:])
