"""Completions sampled from a trunk, with gold's and members' rewards of each."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from benchmarks.claims.lab import Lab
from benchmarks.claims.parts import members, trunks, worlds
from rlhf_pipeline.records import Conversation, assistant, hash_text, read_rows, text, write_rows

CODE = ("policy/sampling.py",)
MAX_NEW_TOKENS = 64


@dataclass(frozen=True)
class Samples:
    """P prompts with n completions each."""

    name: str
    prompts: list[Conversation]
    completions: list[list[str]]

    @property
    def conversations(self) -> list[Conversation]:
        """Return all P times n, prompt by prompt."""
        asked = zip(self.prompts, self.completions, strict=True)
        return [prompt + assistant(completion) for prompt, group in asked for completion in group]

    def shape(self, flat: Tensor) -> Tensor:
        """Return [..., P * n] as [..., P, n]."""
        return flat.view(*flat.shape[:-1], len(self.prompts), -1)


def draw(lab: Lab, trunk: str = "first") -> Samples:
    """Return `num_samples` completions of every evaluation prompt, by a trunk at temperature 1."""
    prompts = [row["prompt"] for row in worlds.draw(lab).evaluation_prompts]
    start = trunks.trunk(lab, trunk)

    def make(folder: Path) -> None:
        from rlhf_pipeline.models import load_policy
        from rlhf_pipeline.policy.sampling import sample

        count, seed = lab.size.num_samples, lab.derive("samples")
        groups = sample(*load_policy(start), prompts, num_samples=count, max_new_tokens=MAX_NEW_TOKENS, seed=seed)
        write_rows(folder / "samples.jsonl", ({"completions": [s.text for s in group]} for group in groups))

    folder = lab.part("samples", make, CODE, trunk=start.name)
    return Samples(folder.name, prompts, [row["completions"] for row in read_rows(folder / "samples.jsonl")])


def gold(lab: Lab, samples: Samples) -> Tensor:
    """Return the gold reward of every sample, [P, n]."""
    world = worlds.world(lab)
    asked = zip(samples.prompts, samples.completions, strict=True)
    return torch.tensor([[world.gold(text(prompt), c).total for c in group] for prompt, group in asked])


def best_possible(lab: Lab, samples: Samples) -> Tensor:
    """Return the highest gold reward that any completion of each prompt can have, [P]."""
    world = worlds.world(lab)
    return torch.tensor([world.best(text(prompt)) for prompt in samples.prompts])


def rewards(lab: Lab, reward_models: Sequence[Path], samples: Samples) -> Tensor:
    """Return the raw reward of every sample by every member, [K, P, n]."""
    return torch.stack(
        [samples.shape(score(lab, model, samples.name, samples.conversations)) for model in reward_models]
    )


def pair_rewards(lab: Lab, reward_models: Sequence[Path], split: str) -> tuple[Tensor, Tensor]:
    """Return the raw rewards of the chosen and the rejected side of a split's pairs, each [K, M]."""
    rows = worlds.pairs(lab, split)
    said = [row["prompt"] + row[side] for side in ("chosen", "rejected") for row in rows]
    both = torch.stack([score(lab, model, f"pairs {split}", said) for model in reward_models])
    return both[:, : len(rows)], both[:, len(rows) :]


def score(lab: Lab, reward_model: Path, name: str, conversations: Sequence[Conversation]) -> Tensor:
    """Return a member's raw reward of each conversation, [N], kept under a name that tells them apart."""

    def make(folder: Path) -> None:
        from rlhf_pipeline import scoring

        rewards = scoring.score(members.load(reward_model), conversations)
        np.save(folder / "rewards.npy", rewards.numpy())

    folder = lab.part("scores", make, ("scoring.py",), member=reward_model.name, conversations=hash_text(name))
    return torch.from_numpy(np.load(folder / "rewards.npy"))
