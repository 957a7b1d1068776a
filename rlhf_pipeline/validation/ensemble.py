"""The ensemble: several reward models, put on one scale and joined into one reward that refuses NaN.

`validation` describes it in ensemble.json; `policy` and `evaluation` load it from there, and a member that is missing,
altered or not listed in params.yaml is refused by name. The file holds no audit numbers: new ones retrain nothing.
"""

import dataclasses
from collections.abc import Collection, Hashable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from rlhf_pipeline import methods
from rlhf_pipeline.mistakes import Mistake
from rlhf_pipeline.records import Conversation, hash_folder, read_json, write_json
from rlhf_pipeline.scoring import RewardModel, load_reward_model, score
from rlhf_pipeline.validation.aggregators import Context
from rlhf_pipeline.validation.normalisation import Statistics, group_means, normalise

AGGREGATORS = "validation/aggregators"
SCHEMA_VERSION = 2
Settings = Mapping[str, Any]


class EnsembleError(Mistake):
    """An ensemble cannot be used as it stands; names the member."""


@dataclass(frozen=True)
class Rewards:
    """What an ensemble says of N completions."""

    reward: Tensor
    """[N] the members' normalised rewards, aggregated."""
    disagreement: Tensor
    """[N] standard deviation of the normalised rewards over members; 0 for one member."""
    normalised: Tensor
    """[K, N] each member's normalised reward."""


@dataclass(frozen=True)
class Ensemble:
    """Reward models that speak with one voice; tensors of statistics are in the order of `reward_models`."""

    reward_models: Mapping[str, RewardModel]
    statistics: Statistics
    normalisation: str = "within_prompt"
    aggregator: str = "mean"
    settings: Settings = field(default_factory=dict)
    fitted: Settings = field(default_factory=dict)
    """What the aggregator learned from validation pairs."""

    def __post_init__(self) -> None:
        if not self.reward_models:
            raise EnsembleError("an ensemble needs at least one member")

    @property
    def members(self) -> list[str]:
        """Return the members' names, in the order of every [K] tensor."""
        return list(self.reward_models)

    def effective_settings(self) -> dict[str, Any]:
        """Return the aggregator's settings with its defaults.

        Raises:
            MethodError: there is no such aggregator, or a setting is unknown or out of range.
        """
        return methods.settings(methods.load(AGGREGATORS, self.aggregator), self.settings).model_dump()

    @classmethod
    def load(cls, path: Path | str, members_folder: Path | str, listed: Collection[str]) -> "Ensemble":
        """Load the ensemble that ensemble.json describes.

        Args:
            path: of ensemble.json.
            members_folder: holds one folder per member.
            listed: names in params.yaml with the role of member.

        Raises:
            EnsembleError: a member is missing, altered or not listed; names it.
        """
        described = _read(path)
        entries = described["members"]
        models = load_members(members_folder, [entry["name"] for entry in entries], listed, _hashes(entries))
        shape = {key: described[key] for key in ("normalisation", "aggregator", "settings", "fitted")}
        return cls(models, _statistics(entries), **shape)

    def member_rewards(self, conversations: Sequence[Conversation], threads: int = 1) -> Tensor:
        """Return each member's raw reward of each conversation, [K, N]; `threads` members are scored at once.

        Raises:
            EnsembleError: a member gave NaN or infinity; names it.
        """
        return score_with(self.reward_models, conversations, threads)

    def aggregate(self, raw: Tensor, groups: Sequence[Hashable], baseline: Tensor | None = None) -> Rewards:
        """Return one reward per completion.

        Args:
            raw: [K, N] from `member_rewards`.
            groups: [N] the prompt of each completion.
            baseline: [K, N] each member's mean over reference completions of the same prompt, which normalisation
                within the prompt subtracts; where None, its mean over the completions of the group in this call.

        Raises:
            EnsembleError: a reward is not finite; names the member.
        """
        refuse_not_finite(self.members, raw)
        normalised = NORMALISATIONS[self.normalisation](raw, self.statistics, groups, baseline)
        method = methods.load(AGGREGATORS, self.aggregator)
        context = Context(groups, self.fitted)
        reward = method.aggregate(normalised, context, methods.settings(method, self.settings))
        return Rewards(reward, normalised.std(dim=0, correction=0), normalised)

    def fit(self, chosen: Tensor, rejected: Tensor) -> "Ensemble":
        """Return this ensemble with what its aggregator learns from pairs; itself where it learns nothing.

        Args:
            chosen: [K, M] raw rewards of the better sides.
            rejected: [K, M] of the others.
        """
        method = methods.load(AGGREGATORS, self.aggregator)
        if not hasattr(method, "fit"):
            return self
        pairs = [*range(chosen.shape[1])] * 2
        both = NORMALISATIONS[self.normalisation](torch.cat([chosen, rejected], dim=1), self.statistics, pairs, None)
        fitted = method.fit(*both.chunk(2, dim=1), methods.settings(method, self.settings))
        return dataclasses.replace(self, fitted=fitted)

    def write(self, path: Path | str, members_folder: Path | str, evaluators: "Ensemble | None" = None) -> None:
        """Write ensemble.json, with the content hash of each member and the effective settings."""
        content = {
            "schema_version": SCHEMA_VERSION,
            "normalisation": self.normalisation,
            "aggregator": self.aggregator,
            "settings": self.effective_settings(),
            "fitted": dict(self.fitted),
            "members": _entries(self, members_folder),
            "evaluators": _entries(evaluators, members_folder) if evaluators else [],
        }
        write_json(path, content)


def load_evaluators(path: Path | str, members_folder: Path | str, listed: Collection[str]) -> dict[str, Ensemble]:
    """Load each evaluator as an ensemble of one; `listed` holds the names with the role of evaluator.

    Raises:
        EnsembleError: an evaluator is missing, altered or not listed; names it.
    """
    described = _read(path)
    entries = described["evaluators"]
    models = load_members(members_folder, [entry["name"] for entry in entries], listed, _hashes(entries))
    shape = {"normalisation": described["normalisation"]}
    return {e["name"]: Ensemble({e["name"]: models[e["name"]]}, _statistics([e]), **shape) for e in entries}


def load_members(
    folder: Path | str, names: Sequence[str], listed: Collection[str], hashes: Mapping[str, str] | None = None
) -> dict[str, RewardModel]:
    """Load reward models by name.

    Args:
        folder: holds one folder per reward model.
        names: which to load.
        listed: the names that params.yaml allows.
        hashes: what `records.hash_folder` must give, by name.

    Raises:
        EnsembleError: one is missing, altered or not listed; names it.
    """
    for name in names:
        path = Path(folder) / name
        if name not in listed:
            raise EnsembleError(
                f"member '{name}' is not listed in rewards.members{methods.suggest(name, list(listed))}"
            )
        if not path.is_dir():
            raise EnsembleError(f"member '{name}' is missing: no folder {path}")
        if hashes and hash_folder(path) != hashes[name]:
            raise EnsembleError(f"member '{name}' was altered since validation: {path} has another content hash")
    return {name: load_reward_model(Path(folder) / name) for name in names}


def score_with(models: Mapping[str, RewardModel], conversations: Sequence[Conversation], threads: int = 1) -> Tensor:
    """Return each model's raw reward of each conversation, [K, N]; `threads` models are scored at once.

    Raises:
        EnsembleError: a model gave NaN or infinity; names it.
    """
    # Models this small gain more from running side by side than from several threads within one product of matrices.
    with ThreadPoolExecutor(threads) as pool:
        run = pool.map if threads > 1 else map
        rows = list(run(lambda model: score(model, conversations), models.values()))
    raw = torch.stack(rows) if rows else torch.zeros(0, len(conversations))
    refuse_not_finite(list(models), raw)
    return raw


def refuse_not_finite(names: Sequence[str], raw: Tensor) -> None:
    """Raise EnsembleError where a member's row of [K, N] rewards holds NaN or infinity."""
    for name, row in zip(names, raw, strict=True):
        if not row.isfinite().all():
            raise EnsembleError(
                f"member '{name}' gave {int((~row.isfinite()).sum())} rewards that are NaN or infinite; train it again "
                f"(data/rewards/members/{name}), or take it out of rewards.members"
            )


def refuse_constant(names: Sequence[str], raw: Tensor) -> None:
    """Raise EnsembleError where a member's row of [K, N] rewards is one number: it would count and say nothing."""
    for name, row in zip(names, raw, strict=True):
        if len(row) > 1 and bool((row == row[0]).all()):
            raise EnsembleError(
                f"member '{name}' gives each of {len(row)} completions the reward {row[0]:.4g}; train it again "
                f"(data/rewards/members/{name}), or take it out of rewards.members"
            )


def _within_prompt(raw: Tensor, statistics: Statistics, groups: Sequence[Hashable], baseline: Tensor | None) -> Tensor:
    return normalise(raw, group_means(raw, groups) if baseline is None else baseline, statistics.scale)


def _global(raw: Tensor, statistics: Statistics, groups: object, baseline: object) -> Tensor:
    return normalise(raw, statistics.mean[:, None], statistics.std)


NORMALISATIONS = {"within_prompt": _within_prompt, "global": _global}


def _read(path: Path | str) -> dict[str, Any]:
    described = read_json(path)
    if described.get("schema_version") != SCHEMA_VERSION:
        raise EnsembleError(
            f"{path}: schema version {described.get('schema_version')}, this code reads {SCHEMA_VERSION}"
        )
    return described


def _entries(ensemble: Ensemble, folder: Path | str) -> list[dict[str, Any]]:
    numbers = {key: getattr(ensemble.statistics, key).tolist() for key in ("scale", "mean", "std")}
    return [
        {"name": name, "sha256": hash_folder(Path(folder) / name), **{key: numbers[key][k] for key in numbers}}
        for k, name in enumerate(ensemble.members)
    ]


def _hashes(entries: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    return {entry["name"]: entry["sha256"] for entry in entries}


def _statistics(entries: Sequence[Mapping[str, Any]]) -> Statistics:
    return Statistics(*(torch.tensor([entry[key] for entry in entries]) for key in ("scale", "mean", "std")))
