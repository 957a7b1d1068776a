"""The night that goes wrong: `python -m benchmarks.weak [--seed 0]`.

One reward model trained on few pairs, the gate not enforced, and a policy that climbs it without a KL term, which is
TRL's default. Its picture, proxy rising while gold falls, is what ensemble, audit and gates are there for.
"""

import argparse
import csv
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from benchmarks import clone as clones
from rlhf_pipeline.evaluation.pictures import overoptimisation_picture
from rlhf_pipeline.verdicts import read_verdict

PICTURE = Path("docs/pictures/overoptimisation.png")
MEMBER = "weak"
SOURCE_SETTINGS: dict[str, Any] = {"num_train": 200}
POLICY_SETTINGS: dict[str, Any] = {"beta": 0.0, "num_steps": 200}


def weaken(params: dict[str, Any]) -> None:
    """Leave the evaluators and one member, give the world few train pairs, and let the gates warn only."""
    members = params["rewards"]["members"]
    first = next(member for member in members.values() if member.get("role", "member") == "member")
    judges = {name: member for name, member in members.items() if member.get("role") == "evaluator"}
    params["rewards"]["members"] = {MEMBER: first, **judges}
    for section, settings in (("curation", SOURCE_SETTINGS), ("policy", POLICY_SETTINGS)):
        params[section]["settings"] = {**params[section]["settings"], **settings}
    params["gate"]["enforce"] = False


def measure(seed: int) -> dict[str, Any]:
    """Run the weak night in a clone of its own and return its metrics and its curve."""
    yaml = YAML()
    with clones.cloned() as clone:
        params = yaml.load(clone / "params.yaml")
        weaken(params)
        yaml.dump(params, clone / "params.yaml")
        timing = clones.run(clone, ["rlhf", "run", "--no-promote", "--set", f"seed={seed}"], allowed=(0,))
        with open(clone / "data/evaluation/curve.csv", encoding="utf-8", newline="") as lines:
            curve = list(csv.DictReader(lines))
        return {"seed": seed, "curve": curve, "refused": refused(clone), "seconds": timing.seconds}


def refused(night: Path) -> dict[str, list[str]]:
    """Return by stage the checks on which an enforced gate would have ended the night."""
    verdicts = {path.parent.name: read_verdict(path) for path in sorted(night.glob("data/*/verdict.json"))}
    broken = {
        stage: [c.name for c in verdict.checks if not c.passed and c.bound.severity == "block"]
        for stage, verdict in verdicts.items()
    }
    return {stage: names for stage, names in broken.items() if names}


def finish(result: dict[str, Any]) -> dict[str, Any]:
    """Draw the picture into the repository and return what the JSON line says of the weak night."""
    overoptimisation_picture(result["curve"], clones.ROOT / PICTURE)
    told = {name: result[name] for name in ("seed", "refused")}
    return {**told, "picture": str(PICTURE), **describe(result["curve"])}


def describe(curve: Sequence[dict[str, str]]) -> dict[str, float]:
    """Return where proxy and gold began and ended, and gold's best with its step."""
    steps = sorted(curve, key=lambda row: float(row["step"]))
    best = max(steps, key=lambda row: float(row["gold_reward"]))
    ends = {"first": steps[0], "last": steps[-1]}
    found = {f"{n}_{when}": float(row[f"{n}_reward"]) for when, row in ends.items() for n in ("proxy", "gold")}
    return found | {"gold_best": float(best["gold_reward"]), "gold_best_step": float(best["step"])}


def main() -> None:
    """Run the night, draw its picture and print one JSON object."""
    parser = argparse.ArgumentParser("python -m benchmarks.weak", description=__doc__)
    parser.add_argument("--seed", type=int, default=0)
    result = measure(parser.parse_args().seed)
    print(json.dumps({"commit": clones.commit(), **finish(result)}))


if __name__ == "__main__":
    main()
