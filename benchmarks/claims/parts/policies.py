"""Policies optimised against an ensemble, as `policy` makes them, and what gold says of them."""

from collections.abc import Sequence
from pathlib import Path
from statistics import mean
from typing import Any

import torch

from benchmarks.claims import Settings
from benchmarks.claims.lab import Lab
from benchmarks.claims.parts import members, samples, trunks, worlds
from rlhf_pipeline import methods
from rlhf_pipeline.records import Conversation, Row, derive_seed, hash_text, read_json, text, write_csv, write_json
from rlhf_pipeline.validation.ensemble import Ensemble
from rlhf_pipeline.validation.normalisation import estimate_statistics

CODE = (*members.CODE, "policy", "validation/ensemble.py", "validation/normalisation.py", "scoring.py")
TRAJECTORY = "trajectory.csv"
NUM_SAMPLES = 4
PAIRS_PER_STEP = 100  # the night's 120 steps at its 12,000 pairs


def gold_after(lab: Lab, models: Sequence[Path], aggregator: str = "mean", **settings: Any) -> float:
    """Return the mean gold of a policy optimised against members; see `policy`."""
    return gold_of(lab, policy(lab, models, aggregator, **settings))


def policy(
    lab: Lab,
    models: Sequence[Path],
    aggregator: str = "mean",
    start: Path | None = None,
    algorithm: str = "grpo",
    shaping: Settings | None = None,
    **settings: Any,
) -> Path:
    """Return the folder of a policy, with a row for each step in `TRAJECTORY`.

    Args:
        lab: whose world, reference and prompts.
        models: the members that the policy is optimised against.
        aggregator: joins them.
        start: where it begins and what its KL counts from, the world's first trunk by default.
        algorithm: of `policy/algorithms`.
        shaping: settings of methods of `policy/shaping`, by their names, in that order.
        settings: of the algorithm, over its defaults.
    """
    start, shaped = start or trunks.trunk(lab), shaping or {}

    def make(folder: Path) -> None:
        from rlhf_pipeline.policy.shaping import compose
        from rlhf_pipeline.policy.training import train
        from rlhf_pipeline.policy.trajectory import COLUMNS

        method = methods.load("policy/algorithms", algorithm)
        params = methods.settings(method, {"num_steps": num_steps(lab), **settings})
        prompts: list[Row] = worlds.draw(lab).policy_prompts
        rows = [{**row, "id": row.get("id", f"policy-{number}")} for number, row in enumerate(prompts)]
        reward, seed, shape = ensemble(lab, models, aggregator), lab.derive("policy"), compose([*shaped], shaped)
        told = train(start, reward, rows, method, params, seed, folder, shape=shape)
        write_csv(folder / TRAJECTORY, told["trajectory"], COLUMNS)

    chosen = {"aggregator": aggregator, "algorithm": algorithm, "settings": settings}
    chosen |= {"shaping": shaped} if shaped else {}
    what = {"members": [model.name for model in models], **chosen}
    code = (*CODE, f"validation/aggregators/{aggregator}.py")
    return lab.part("policies", make, code, start=start.name, **what)


def num_steps(lab: Lab) -> int:
    """Return the steps of a policy of this size."""
    return lab.size.num_train // PAIRS_PER_STEP


def gold_of(lab: Lab, policy: Path) -> float:
    """Return the mean gold of a policy's completions of the evaluation prompts."""
    world, asked = worlds.world(lab), [row["prompt"] for row in worlds.draw(lab).evaluation_prompts]
    said = say(lab, policy, asked, NUM_SAMPLES)
    return mean(world.gold(text(p), one).total for p, group in zip(asked, said, strict=True) for one in group)


def say(lab: Lab, policy: Path, prompts: Sequence[Conversation], count: int) -> list[list[str]]:
    """Return `count` completions of each prompt by a policy, at temperature 1."""

    def make(folder: Path) -> None:
        from rlhf_pipeline.models import load_policy
        from rlhf_pipeline.policy.sampling import sample

        seed, limit = derive_seed(lab.derive("policy"), "said"), samples.MAX_NEW_TOKENS
        said = sample(*load_policy(policy), prompts, num_samples=count, max_new_tokens=limit, seed=seed)
        write_json(folder / "said.json", [[one.text for one in group] for group in said])

    asked = hash_text(*map(text, prompts))
    found: list[list[str]] = read_json(
        lab.part("said", make, samples.CODE, policy=policy.name, asked=asked, count=count) / "said.json"
    )
    return found


def ensemble(lab: Lab, models: Sequence[Path], aggregator: str) -> Ensemble:
    """Return an ensemble of members whose scales are those on validation pairs, as `validation` makes it."""
    chosen, rejected = samples.pair_rewards(lab, models, "validation")
    groups = [*range(chosen.shape[1])] * 2
    statistics = estimate_statistics(torch.cat([chosen, rejected], dim=1), groups)
    loaded = {f"member-{number}": members.load(model) for number, model in enumerate(models)}
    return Ensemble(loaded, statistics, aggregator=aggregator).fit(chosen, rejected)
