"""The typed params.yaml: one section per stage, unknown keys refused with near ones."""

from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from rlhf_pipeline.methods import MethodError, check_name, describe, suggest
from rlhf_pipeline.mistakes import one_line
from rlhf_pipeline.verdicts import Bound

Settings = dict[str, Any]
Bounds = dict[str, Bound]


def _method(area: str, kind: str) -> AfterValidator:
    """Return what refuses a name of no method; the name is looked up, and no method is run."""
    return AfterValidator(lambda name: check_name(name, f"{area}/{kind}"))


Source = Annotated[str, _method("curation", "sources")]
Filter = Annotated[str, _method("curation", "filters")]
PairFilter = Annotated[str, _method("denoising", "filters")]
Objective = Annotated[str, _method("rewards", "objectives")]
Aggregator = Annotated[str, _method("validation", "aggregators")]
AuditCheck = Annotated[str, _method("validation", "checks")]
Shaping = Annotated[str, _method("policy", "shaping")]
Algorithm = Annotated[str, _method("policy", "algorithms")]


class Section(BaseModel):
    """Base of every section: immutable, unknown keys refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Split(Section):
    """Fractions of the groups that go to each split; the rest is train."""

    validation: float = Field(ge=0, lt=1)
    test: float = Field(ge=0, lt=1)
    evaluator: float = Field(ge=0, lt=1)
    evaluation_prompts: float = Field(default=0.05, ge=0, lt=1)  # only where the source gives no such prompts

    @model_validator(mode="after")
    def _leaves_train(self) -> "Split":
        if self.validation + self.test + self.evaluator + self.evaluation_prompts >= 1:
            raise ValueError("the fractions leave no group for train")
        return self


class Decontamination(Section):
    """When a prompt counts as one of the evaluation prompts, beside being equal to it."""

    ngram_words: int = Field(default=8, ge=1)
    max_overlap: float | None = Field(default=None, gt=0, le=1)  # share of n-grams that is too much; null: equal only


class Curation(Section):
    """Where preferences come from and what is kept of them."""

    source: Source
    input: str
    text: str
    annotations: str = "data/raw/annotations"  # labels that were asked for; they join the train pairs of any source
    settings: Settings = {}
    filters: list[Filter] = []
    filter_settings: dict[str, Settings] = {}
    group: str = "prompt"
    split: Split
    decontamination: Decontamination = Decontamination()
    bounds: Bounds = {}


class Trunk(Section):
    """One language model and what it begins from: an architecture or a hub id in a file, or a checkpoint's folder."""

    base: str
    trust_remote_code: bool = False  # run code that comes with the checkpoint
    chat_template: str | None = None  # Jinja text, for a checkpoint without one
    ready: bool = False  # the base is a reward model, kept as it is: nothing is trained
    settings: Settings = {}

    @field_validator("base")
    @classmethod
    def _is_a_path(cls, base: str) -> str:
        if "@" in base and not Path(base).exists():
            raise ValueError(f'DVC watches files: write {{"hub": "{base}"}} into a JSON file and name that file here')
        return base

    @model_validator(mode="after")
    def _ready_is_not_trained(self) -> "Trunk":
        if self.ready and self.settings:
            raise ValueError(f"a ready model is not trained: take settings ({', '.join(self.settings)}) out")
        return self


class Sft(Section):
    """Supervised fine-tuning of the trunks; `settings` holds for all, a trunk's own override them."""

    threads: int = Field(ge=1)
    settings: Settings = {}
    trunks: dict[str, Trunk]


class Denoising(Section):
    """Filters of train pairs that need models."""

    filters: list[PairFilter] = []
    filter_settings: dict[str, Settings] = {}


Role = Literal["member", "evaluator", "guard"]


class Member(Section):
    """One reward model. An evaluator is audited like a member and never reaches the policy's training.

    A guard is audited too; the policy is never rewarded by it, but its training is watched with it.
    """

    trunk: str
    pairs: str
    objective: Objective
    role: Role = "member"
    ready: bool = False  # its trunk is a ready reward model; pairs and objective are not used
    settings: Settings = {}
    objective_settings: Settings = {}

    @model_validator(mode="after")
    def _ready_is_not_trained(self) -> "Member":
        if self.ready and (self.settings or self.objective_settings):
            given = ", ".join([*self.settings, *self.objective_settings])
            raise ValueError(f"a ready model is not trained: take settings and objective_settings ({given}) out")
        return self


class Rewards(Section):
    """Reward models; `settings` holds for all, a member's own override them."""

    threads: int = Field(ge=1)
    settings: Settings = {}
    members: dict[str, Member]

    def named(self, role: Role) -> list[str]:
        """Return the names of the reward models with a role, in the order of the file."""
        return [name for name, member in self.members.items() if member.role == role]


class Validation(Section):
    """How members become one reward, and what the audit demands of it."""

    threads: int = Field(ge=1)
    normalisation: Literal["within_prompt", "global"]
    aggregator: Aggregator
    aggregator_settings: Settings = {}
    checks: list[AuditCheck]
    check_settings: dict[str, Settings] = {}
    bounds: Bounds = {}


class Guard(Section):
    """What an alarm does in the policy's training; `settings` are the monitor's."""

    action: Literal["warn", "stop", "roll_back", "raise_beta"] = "warn"
    factor: float = Field(default=2.0, gt=1)  # of raise_beta: what the weight of the KL divergence is multiplied by
    settings: Settings = {}


class Policy(Section):
    """Optimisation of the reference trunk against the ensemble."""

    threads: int = Field(ge=1)
    reference: str
    algorithm: Algorithm
    settings: Settings = {}
    shaping: list[Shaping] = []
    shaping_settings: dict[str, Settings] = {}
    guard: Guard = Guard()


class Evaluation(Section):
    """What the tuned policy is measured on."""

    threads: int = Field(ge=1)
    settings: Settings = {}
    bounds: Bounds = {}


class Gate(Section):
    """Whether a refusal stops what follows."""

    enforce: bool = True


class Params(Section):
    """All of params.yaml."""

    seed: int = Field(ge=0)
    curation: Curation
    sft: Sft
    denoising: Denoising
    rewards: Rewards
    validation: Validation
    policy: Policy
    evaluation: Evaluation
    gate: Gate

    @model_validator(mode="after")
    def _trunks_exist(self) -> "Params":
        named = {f"rewards.members.{name}.trunk": member.trunk for name, member in self.rewards.members.items()}
        for key, trunk in {**named, "policy.reference": self.policy.reference}.items():
            if trunk not in self.sft.trunks:
                raise ValueError(f"{key}: no '{trunk}' in sft.trunks.{suggest(trunk, list(self.sft.trunks))}")
        return self

    @model_validator(mode="after")
    def _ready_models_are_said_twice(self) -> "Params":
        # A stage knows its own parameters alone: `sft` that of the trunk, what reads the members theirs.
        ready = {name for name, trunk in self.sft.trunks.items() if trunk.ready}
        if self.policy.reference in ready:
            raise ValueError(f"policy.reference: '{self.policy.reference}' is a ready reward model, no language model")
        used: set[str] = set()
        for name, member in self.rewards.members.items():
            if member.ready != (member.trunk in ready):
                said = f"sft.trunks.{member.trunk}" if member.ready else f"rewards.members.{name}"
                raise ValueError(f"{said}.ready: write true, or false for both trunk '{member.trunk}' and '{name}'")
            if member.trunk in ready & used:
                raise ValueError(f"rewards.members.{name}.trunk: '{member.trunk}' is another one's ready model already")
            used.add(member.trunk)
        return self


def load_params(path: Path | str = "params.yaml") -> Params:
    """Read and check params.yaml.

    Raises:
        MethodError: it is no YAML, or a key is unknown, of the wrong type or out of range; one line says which.
    """
    try:
        return Params.model_validate(read_yaml(path))
    except ValidationError as error:
        raise MethodError(f"{path}: {describe(error, _known_keys(error))}") from error


def read_yaml(path: Path | str) -> dict[str, Any]:
    """Return the map that a YAML file holds; empty where the file is.

    Raises:
        MethodError: it holds something else, or is no YAML in UTF-8; names the line.
    """
    written = Path(path).read_bytes()
    before, marker, _ = written.partition(b"<<<<<<< ")
    if marker and before[-1:] in (b"", b"\n"):
        line = before.count(b"\n") + 1
        raise MethodError(
            f"{path}:{line}: a merge is not finished; keep one side of each conflict (git checkout --ours)"
        )
    try:
        content = yaml.safe_load(written.decode("utf-8"))
    except UnicodeDecodeError as error:
        line = written.count(b"\n", 0, error.start) + 1
        raise MethodError(f"{path}:{line}: not UTF-8; save the file in that encoding") from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{path}:{mark.line + 1}" if mark else str(path)
        reason = getattr(error, "problem", None) or one_line(error)
        raise MethodError(f"{where}: not YAML: {reason}; correct the line (git shows what it was)") from error
    if not isinstance(content, dict | None):
        raise MethodError(f"{path}: holds a {type(content).__name__}; write a map, as `key: value` lines")
    return content or {}


def _known_keys(error: ValidationError) -> list[str]:
    models: list[type[BaseModel]] = [Params, Curation, Split, Decontamination, Sft, Trunk, Denoising, Rewards, Member]
    models += [Validation, Policy, Guard, Evaluation, Gate]
    return sorted({name for model in models for name in model.model_fields})
