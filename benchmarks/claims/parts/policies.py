"""Policies optimised against an ensemble, as `policy` makes them, and what gold says of them."""

from collections.abc import Sequence
from pathlib import Path
from statistics import mean
from typing import Any

import torch

from benchmarks.claims.lab import Lab
from benchmarks.claims.parts import members, samples, trunks, worlds
from rlhf_pipeline import methods
from rlhf_pipeline.records import Row, derive_seed, read_json, text, write_json
from rlhf_pipeline.validation.ensemble import Ensemble
from rlhf_pipeline.validation.normalisation import estimate_statistics

CODE = (*members.CODE, "policy", "validation/ensemble.py", "validation/normalisation.py", "scoring.py")
NUM_SAMPLES = 4
PAIRS_PER_STEP = 100  # the night's 120 steps at its 12,000 pairs


def gold_after(lab: Lab, models: Sequence[Path], aggregator: str = "mean", **settings: Any) -> float:
    """Return the mean gold of a policy's completions of the evaluation prompts.

    Args:
        lab: whose world, reference and prompts.
        models: the members that the policy is optimised against.
        aggregator: joins them.
        settings: of GRPO, over its defaults.
    """

    def make(folder: Path) -> None:
        from rlhf_pipeline.models import load_policy
        from rlhf_pipeline.policy.algorithms import grpo
        from rlhf_pipeline.policy.sampling import sample
        from rlhf_pipeline.policy.training import train

        params = methods.settings(grpo, {"num_steps": lab.size.num_train // PAIRS_PER_STEP, **settings})
        prompts: list[Row] = worlds.draw(lab).policy_prompts
        rows = [{**row, "id": row.get("id", f"policy-{number}")} for number, row in enumerate(prompts)]
        seed, out = lab.derive("policy"), folder / "model"
        train(trunks.trunk(lab), ensemble(lab, models, aggregator), rows, grpo, params, seed, out)
        asked = [row["prompt"] for row in worlds.draw(lab).evaluation_prompts]
        limit = samples.MAX_NEW_TOKENS
        said = sample(
            *load_policy(out),
            asked,
            num_samples=NUM_SAMPLES,
            max_new_tokens=limit,
            seed=derive_seed(seed, "evaluation"),
        )
        world = worlds.world(lab)
        pairs = zip(asked, said, strict=True)
        write_json(folder / "gold.json", [[world.gold(text(p), s.text).total for s in group] for p, group in pairs])

    what = {"members": [model.name for model in models], "aggregator": aggregator, "settings": settings}
    code = (*CODE, f"validation/aggregators/{aggregator}.py")
    rewards = read_json(lab.part("policies", make, code, **what) / "gold.json")
    return mean(mean(group) for group in rewards)


def ensemble(lab: Lab, models: Sequence[Path], aggregator: str) -> Ensemble:
    """Return an ensemble of members whose scales are those on validation pairs, as `validation` makes it."""
    chosen, rejected = samples.pair_rewards(lab, models, "validation")
    groups = [*range(chosen.shape[1])] * 2
    statistics = estimate_statistics(torch.cat([chosen, rejected], dim=1), groups)
    loaded = {f"member-{number}": members.load(model) for number, model in enumerate(models)}
    return Ensemble(loaded, statistics, aggregator=aggregator).fit(chosen, rejected)
