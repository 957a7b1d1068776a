"""The ensemble: several reward models, put on one scale and joined into one reward that refuses NaN.

`validation` describes it in ensemble.json; `policy` and `evaluation` load it from there, and a member that is missing,
altered or not listed in params.yaml is refused by name. The file holds no audit numbers: new ones retrain nothing.
`save` makes one folder of it all, and `from_pretrained` loads that outside a night.
"""

import dataclasses
from collections.abc import Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from rlhf_pipeline import methods
from rlhf_pipeline.records import Conversation, hash_folder, read_json, write_json
from rlhf_pipeline.scoring import RewardModel
from rlhf_pipeline.validation import aggregators, shared_trunks
from rlhf_pipeline.validation.members import (
    EnsembleError,
    load_members,
    member_of,
    refuse_not_finite,
    score_with,
    voices,
)
from rlhf_pipeline.validation.normalisation import NORMALISATIONS, Statistics

AGGREGATORS = "validation/aggregators"
SCHEMA_VERSION = 4
READABLE = (3, SCHEMA_VERSION)
"""Schema 3 is 4 without `trunks`."""
DESCRIPTION, MEMBERS, TRUNKS = "ensemble.json", "members", shared_trunks.TRUNKS
"""What a saved ensemble's folder holds: its description, a folder of members, and one of the trunks they share."""
SHAPE = ("normalisation", "aggregator", "settings", "fitted", "temperature")
"""Fields of an ensemble that are in its description under their names."""
Settings = Mapping[str, Any]


@dataclass(frozen=True)
class Rewards:
    """What an ensemble says of N completions."""

    reward: Tensor
    """[N] the members' normalised rewards, aggregated."""
    disagreement: Tensor
    """[N] standard deviation of the normalised rewards over voices; 0 for one."""
    normalised: Tensor
    """[K, N] each voice's normalised reward."""


@dataclass(frozen=True)
class Ensemble:
    """Reward models joined into one reward; tensors of statistics are in the order of `voices`."""

    reward_models: Mapping[str, RewardModel]
    """By key, which is the model's path in the folder of members."""
    statistics: Statistics
    normalisation: str = "within_prompt"
    aggregator: str = "mean"
    settings: Settings = field(default_factory=dict)
    fitted: Settings = field(default_factory=dict)
    """What the aggregator learned from validation pairs."""
    temperature: float = 1.0
    """The margin at which the ensemble is 73 % sure, fitted on validation pairs."""
    hashes: Mapping[str, str] = field(default_factory=dict)
    """By member, what `records.hash_folder` gave when it was loaded."""

    def __post_init__(self) -> None:
        if not self.reward_models:
            raise EnsembleError("an ensemble needs at least one member")

    @property
    def members(self) -> list[str]:
        """Return the members' names; a member has one voice or several."""
        return list(dict.fromkeys(map(member_of, self.reward_models)))

    @property
    def voices(self) -> list[str]:
        """Return the voices' names, in the order of every [K] tensor."""
        return voices(self.reward_models)

    def effective_settings(self) -> dict[str, Any]:
        """Return the aggregator's settings with its defaults.

        Raises:
            MethodError: there is no such aggregator, or a setting is unknown or out of range.
        """
        return methods.settings(methods.load(AGGREGATORS, self.aggregator), self.settings).model_dump()

    @classmethod
    def load(cls, path: Path | str, members_folder: Path | str, listed: Collection[str] | None = None) -> "Ensemble":
        """Load the ensemble that ensemble.json describes.

        Args:
            path: of ensemble.json.
            members_folder: holds one folder per member.
            listed: names in params.yaml with the role of member; None: those that are described.

        Raises:
            EnsembleError: a member is missing, altered or not listed; names it.
        """
        described = _read(path)
        entries = described["members"]
        hashes = {entry["name"]: entry["sha256"] for entry in entries}
        load = shared_trunks.loader(described.get("trunks", []), Path(path).parent / TRUNKS)
        models = load_members(members_folder, list(hashes), listed, hashes, load)
        return cls(models, _statistics(entries), **{key: described[key] for key in SHAPE}, hashes=hashes)

    @classmethod
    def from_pretrained(cls, folder: Path | str) -> "Ensemble":
        """Load an ensemble that `save` wrote.

        Raises:
            EnsembleError: a member or a trunk is missing or altered; names it.
        """
        return cls.load(Path(folder) / DESCRIPTION, Path(folder) / MEMBERS)

    def save(self, folder: Path | str, members_folder: Path | str, trunks_folder: Path | str | None = None) -> None:
        """Copy the members into a new folder and describe the ensemble there: all that `from_pretrained` needs.

        Args:
            folder: does not exist yet.
            members_folder: what the members were loaded from.
            trunks_folder: holds the trunks; with it a member trained by LoRA is saved as adapters, its trunk once.

        Raises:
            EnsembleError: a member was altered since it was loaded, or its trunk is not there; names it.
            FileExistsError: there is such a folder.
        """
        for name, expected in self.hashes.items():
            if hash_folder(Path(members_folder) / name) != expected:
                raise EnsembleError(f"member '{name}' was altered since it was loaded: {Path(members_folder) / name}")
        found, new = shared_trunks.find(self.members, members_folder, trunks_folder), Path(folder)
        new.mkdir(parents=True)
        trunks = shared_trunks.copy(self.members, members_folder, found, new / TRUNKS, new / MEMBERS)
        kept = {name: content for name, content in self.hashes.items() if name not in found}
        dataclasses.replace(self, hashes=kept).write(new / DESCRIPTION, new / MEMBERS, trunks=trunks)

    def member_rewards(self, conversations: Sequence[Conversation], threads: int = 1) -> Tensor:
        """Return each voice's raw reward of each conversation, [K, N]; `threads` models are scored at once.

        Raises:
            EnsembleError: a voice gave NaN or infinity; names it.
        """
        return score_with(self.reward_models, conversations, threads)

    def aggregate(
        self,
        raw: Tensor,
        groups: Sequence[Hashable],
        baseline: Tensor | None = None,
        conversations: Sequence[Conversation] | None = None,
    ) -> Rewards:
        """Return one reward per completion.

        Args:
            raw: [K, N] from `member_rewards`.
            groups: [N] the prompt of each completion.
            baseline: [K, N] each voice's mean over reference completions of the same prompt, which normalisation
                within the prompt subtracts; where None, its mean over the completions of the group in this call.
            conversations: [N] what was scored; some aggregators read it.

        Raises:
            EnsembleError: a reward is not finite; names the voice.
            Mistake: the aggregator reads conversations, and got none.
        """
        refuse_not_finite(self.voices, raw)
        normalised = NORMALISATIONS[self.normalisation](raw, self.statistics, groups, baseline)
        method = methods.load(AGGREGATORS, self.aggregator)
        context = aggregators.Context(groups, self.fitted, conversations)
        reward = method.aggregate(normalised, context, methods.settings(method, self.settings))
        return Rewards(reward, normalised.std(dim=0, correction=0), normalised)

    def preference(self, margins: Tensor) -> Tensor:
        """Return how likely a completion is preferred to another, in [0, 1], from the difference of their rewards."""
        return torch.sigmoid(margins / self.temperature)

    def fit(self, chosen: Tensor, rejected: Tensor, conversations: aggregators.Sides | None = None) -> "Ensemble":
        """Return this ensemble with what its aggregator learns from pairs; itself where it learns nothing.

        Args:
            chosen: [K, M] raw rewards of the better sides.
            rejected: [K, M] of the others.
            conversations: of both sides; some aggregators read them.

        Raises:
            Mistake: the aggregator reads conversations, and got none.
        """
        method = methods.load(AGGREGATORS, self.aggregator)
        pairs = [*range(chosen.shape[1])] * 2
        both = NORMALISATIONS[self.normalisation](torch.cat([chosen, rejected], dim=1), self.statistics, pairs, None)
        params = methods.settings(method, self.settings)
        fitted = aggregators.fit(method, both.chunk(2, dim=1), params, conversations)
        return dataclasses.replace(self, fitted=fitted)

    def write(
        self,
        path: Path | str,
        members_folder: Path | str,
        evaluators: "Ensemble | None" = None,
        trunks: Sequence[Settings] = (),
        guards: "Ensemble | None" = None,
    ) -> None:
        """Write ensemble.json, with the content hash of each member and the effective settings.

        Args:
            path: of the file.
            members_folder: holds the members, and the judges.
            evaluators: reward models that judge the policy and are none of its members.
            trunks: what members that are adapters share.
            guards: reward models that its training is watched with.
        """
        content = {
            "schema_version": SCHEMA_VERSION,
            "normalisation": self.normalisation,
            "aggregator": self.aggregator,
            "settings": self.effective_settings(),
            "fitted": dict(self.fitted),
            "temperature": self.temperature,
            "members": _entries(self, members_folder),
            "evaluators": _entries(evaluators, members_folder) if evaluators else [],
            "guards": _entries(guards, members_folder) if guards else [],
            "trunks": list(trunks),
        }
        write_json(path, content)


def load_panel(
    path: Path | str, members_folder: Path | str, listed: Collection[str], kind: str = "evaluators"
) -> dict[str, Ensemble]:
    """Load each evaluator, or each of the `guards`, as an ensemble of one; `listed` holds the names with that role.

    Raises:
        EnsembleError: one is missing, altered or not listed; names it.
    """
    described = _read(path)
    found = {}
    for entry in described.get(kind, []):
        hashes = {entry["name"]: entry["sha256"]}
        models = load_members(members_folder, list(hashes), listed, hashes)
        found[entry["name"]] = Ensemble(models, _statistics([entry]), described["normalisation"], hashes=hashes)
    return found


def _read(path: Path | str) -> dict[str, Any]:
    described: dict[str, Any] = read_json(path)
    found = described.get("schema_version")
    if found not in READABLE:
        raise EnsembleError(
            f"{path}: schema version {found}, this code reads {SCHEMA_VERSION}: run the stage validation again"
        )
    return described


def _entries(ensemble: Ensemble, folder: Path | str) -> list[dict[str, Any]]:
    numbers = {key: getattr(ensemble.statistics, key).tolist() for key in ("scale", "mean", "std")}
    told = [{"name": v, **{key: numbers[key][k] for key in numbers}} for k, v in enumerate(ensemble.voices)]
    return [
        {
            "name": name,
            "sha256": ensemble.hashes.get(name) or hash_folder(Path(folder) / name),
            "voices": [voice for voice in told if member_of(voice["name"]) == name],
        }
        for name in ensemble.members
    ]


def _statistics(entries: Sequence[Mapping[str, Any]]) -> Statistics:
    told = [voice for entry in entries for voice in entry["voices"]]
    return Statistics(*(torch.tensor([voice[key] for voice in told]) for key in ("scale", "mean", "std")))
