"""Whom an audit asks: reward models, a saved ensemble, a judge, or files of ready scores; all give [K, T] rewards.

Ready scores are lines `{"id", "score"}`, with the ids of `text_id`. Rewards that a model gave are kept, so that no text
is scored twice by one model.
"""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor

from rlhf_pipeline.mistakes import Mistake
from rlhf_pipeline.models import CheckpointError
from rlhf_pipeline.records import Conversation, hash_folder, hash_text, iterate_rows, write_rows
from rlhf_pipeline.scoring import RewardModel
from rlhf_pipeline.sft import bases, ready
from rlhf_pipeline.validation.context_length import fits_all
from rlhf_pipeline.validation.ensemble import DESCRIPTION, Ensemble
from rlhf_pipeline.validation.items import Table
from rlhf_pipeline.validation.judges import Judge, Testimony, hear, load_judge
from rlhf_pipeline.validation.members import member_of, score_with, voices


@dataclass(frozen=True)
class ReadyScores:
    """A scorer whose scores stand in a file, by the id of the text."""

    path: Path
    scores: Mapping[str, float]
    num_heads: int = 1


@dataclass(frozen=True)
class Witness:
    """A generative judge as a scorer: the grade that it is expected to give."""

    judge: Judge
    num_heads: int = 1


Scorer = RewardModel | ReadyScores | Witness


@dataclass(frozen=True)
class Scorers:
    """What is audited: each scorer by a name, what its kept scores are filed under, and the ensemble if it was one."""

    by_name: Mapping[str, Scorer]
    hashes: Mapping[str, str] = field(default_factory=dict)
    saved: Ensemble | None = None

    @property
    def models(self) -> dict[str, RewardModel]:
        """Return the reward models among them."""
        return {name: scorer for name, scorer in self.by_name.items() if isinstance(scorer, RewardModel)}

    @property
    def voices(self) -> list[str]:
        """Return the names of all rows of [K, T]."""
        return voices(self.by_name)

    @property
    def judge(self) -> Judge | None:
        """Return the generative judge, which is always alone."""
        return next((one.judge for one in self.by_name.values() if isinstance(one, Witness)), None)

    def fits(self, conversations: Sequence[Conversation]) -> list[bool]:
        """Return whether every model can read each conversation whole."""
        if self.judge:
            return self.judge.fits(conversations)
        return fits_all(self.models.values())(conversations)


def text_id(conversation: Conversation) -> str:
    """Return the id of a conversation's text: equal conversations have equal ids, on every machine."""
    return hash_text(json.dumps([[m["role"], m["content"]] for m in conversation], ensure_ascii=False))


def open_scorers(names: Sequence[str], *, prompts: Sequence[Path] = (), trust_remote_code: bool = False) -> Scorers:
    """Return what a user named.

    Args:
        names: each the folder or hub id (`organisation/name@commit`) of a reward model, or a file of ready scores; or
            the folder of one saved ensemble, alone; or a language model that judges, alone.
        prompts: files that say what the judge is asked; none: no judge.
        trust_remote_code: run code that comes with a checkpoint.

    Raises:
        Mistake: one is none of these, two have one name, or an ensemble is not alone.
    """
    if prompts:
        if trust_remote_code:
            raise Mistake("--trust-remote-code: a judge's own code is never run; take the option out")
        return _open_judge(names, prompts)
    ensembles = [name for name in names if (Path(name) / DESCRIPTION).exists()]
    if ensembles:
        if len(names) > 1:
            raise Mistake(f"{ensembles[0]} is an ensemble: audit it alone, or name its members' folders instead")
        saved = Ensemble.from_pretrained(ensembles[0])
        filed = {key: hash_text(saved.hashes[member_of(key)], key) for key in saved.reward_models}
        return Scorers(saved.reward_models, filed, saved)
    found: dict[str, Scorer] = {}
    hashes: dict[str, str] = {}
    for name in names:
        key = _key(name)
        if key in found:
            raise Mistake(f"two of what is audited are called '{key}': rename a folder or file, metrics go by its name")
        found[key] = _open(name, trust_remote_code)
        if isinstance(found[key], RewardModel):
            hashes[key] = hash_folder(bases.resolve(name, trust_remote_code=trust_remote_code))
    return Scorers(found, hashes)


def _key(name: str) -> str:
    """Return what metrics call a scorer: its folder's or file's name, without the ending or the revision."""
    return Path(name).stem if Path(name).is_file() else Path(name.partition("@")[0]).name


def _open_judge(names: Sequence[str], prompts: Sequence[Path]) -> Scorers:
    if len(names) != 1:
        raise Mistake(f"{len(names)} models and a judge's prompt file: a judge is audited alone")
    judge = load_judge(bases.resolve(names[0]), prompts)
    if judge.grading is None:
        raise Mistake(f"{prompts[0]}: only compares; add a prompt file that grades, with {{prompt}} and {{completion}}")
    return Scorers({_key(names[0]): Witness(judge)})


def _open(name: str, trust_remote_code: bool) -> Scorer:
    if Path(name).suffix == ".jsonl":
        return read_scores(Path(name))
    if not Path(name).is_dir() and "@" not in name:
        raise Mistake(
            f"{name}: neither the folder of a reward model nor a file of ready scores (.jsonl); "
            "one of the hub is written organisation/name@commit"
        )
    try:
        return RewardModel(*ready.load(name, trust_remote_code=trust_remote_code))
    except CheckpointError as error:
        # `ready` speaks to whoever edits params.yaml.
        told = str(error).replace("; take ready out to train one from it", "")
        raise CheckpointError(
            told.replace("sft.trunks.<name>.trust_remote_code: true", "--trust-remote-code")
        ) from error


def read_scores(path: Path) -> ReadyScores:
    """Read a file of ready scores.

    Raises:
        Mistake: a line has no id, or its score is no finite number; names the line.
    """
    scores: dict[str, float] = {}
    for number, row in enumerate(iterate_rows(path), start=1):
        score = row.get("score")
        if not isinstance(row.get("id"), str):
            raise Mistake(
                f'{path}, line {number}: no id; a line is {{"id": …, "score": …}}, ids as --texts writes them'
            )
        if isinstance(score, bool) or not isinstance(score, int | float) or not math.isfinite(score):
            raise Mistake(f"{path}, line {number}: the score of {row['id']} is {score!r}; write a finite number")
        scores[row["id"]] = float(score)
    return ReadyScores(path, scores)


def write_texts(path: Path, conversations: Sequence[Conversation]) -> None:
    """Write every text that an audit needs a score of, with its id."""
    write_rows(path, ({"id": text_id(c), "messages": c} for c in conversations))


def hear_or_score(
    scorers: Scorers, table: Table, threads: int = 1, kept: Path | None = None
) -> tuple[Tensor, Testimony | None]:
    """Return the rewards of a table's conversations, [K, T], and what a judge said of it in full; see `score`."""
    if scorers.judge is None:
        return score(scorers, table.conversations, threads, kept), None
    said = hear(scorers.judge, table)
    assert said.grades  # a judge that only compares is not opened
    return said.grades.expected()[None], said


def score(
    scorers: Scorers, conversations: Sequence[Conversation], threads: int = 1, kept: Path | None = None
) -> Tensor:
    """Return every voice's raw reward of each conversation, [K, T], in the order of the scorers.

    Args:
        scorers: from `open_scorers`.
        conversations: T of them, all different.
        threads: reward models that score at once.
        kept: folder where rewards are kept by model; what stands there is not scored again.

    Raises:
        Mistake: a file of ready scores misses a text.
        EnsembleError: a model gave NaN or infinity; names it.
    """
    ids = [text_id(conversation) for conversation in conversations]
    known = {name: _kept(kept, scorers.hashes.get(name)) for name in scorers.models}
    lacking = [place for place, key in enumerate(ids) if any(key not in own for own in known.values())]
    if lacking:
        fresh = score_with(scorers.models, [conversations[place] for place in lacking], threads)
        places = _rows_of(scorers.models)
        for name, own in known.items():
            own.update({ids[p]: column for p, column in zip(lacking, fresh[places[name]].T.tolist(), strict=True)})
            _keep(kept, scorers.hashes.get(name), own)
    ready = {name: _ready(one, ids) for name, one in scorers.by_name.items() if isinstance(one, ReadyScores)}
    rows = ready | {name: torch.tensor([own[key] for key in ids]).T for name, own in known.items()}
    return torch.cat([rows[name] for name in scorers.by_name])


def _rows_of(models: Mapping[str, RewardModel]) -> dict[str, slice]:
    """Return each model's rows of [K, N]; a model has one per head."""
    ends = [0]
    for model in models.values():
        ends.append(ends[-1] + model.num_heads)
    assert ends[-1] == len(voices(models))
    return {name: slice(*ends[number : number + 2]) for number, name in enumerate(models)}


def _ready(scorer: ReadyScores, ids: Sequence[str]) -> Tensor:
    missing = [key for key in ids if key not in scorer.scores]
    if missing:
        raise Mistake(
            f"{scorer.path}: no score for {len(missing)} of {len(ids)} texts, such as {missing[0]}; write the texts "
            "with --texts, with the same pairs and checks, and score them all"
        )
    return torch.tensor([[scorer.scores[key] for key in ids]])


def _kept(folder: Path | None, model: str | None) -> dict[str, list[float]]:
    path = _file(folder, model)
    return {row["id"]: row["scores"] for row in iterate_rows(path)} if path and path.exists() else {}


def _keep(folder: Path | None, model: str | None, scores: Mapping[str, list[float]]) -> None:
    if path := _file(folder, model):
        path.parent.mkdir(parents=True, exist_ok=True)
        write_rows(path, ({"id": key, "scores": own} for key, own in scores.items()))


def _file(folder: Path | None, model: str | None) -> Path | None:
    return folder / f"{model[:16]}.jsonl" if folder and model else None
