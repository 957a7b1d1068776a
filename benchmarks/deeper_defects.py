"""Defects that scores alone cannot carry: of the data, of a checkpoint, of a training.

As those of `benchmarks/defects.py` they are fixed before a full run, and a trial's number gives its variant.
"""

import json
import shutil
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

from benchmarks.claims.lab import Lab
from benchmarks.claims.parts import audits, ensembles, members, samples, worlds
from benchmarks.defects import Case, Subject
from rlhf_pipeline.curation.contract import judge_contract
from rlhf_pipeline.curation.curate import curate
from rlhf_pipeline.curation.identity import prompt_id
from rlhf_pipeline.params import Curation
from rlhf_pipeline.records import Conversation, Row, derive_seed, hash_text, text, user
from rlhf_pipeline.validation import audit

OTHER_SIDE = {"chosen": "rejected", "rejected": "chosen", "tie": "tie"}
NUM_LEAKED = 30
EPOCHS = (8.0, 24.0)
"""Passes over the few pairs of a weak member, where one is usual."""
SHARES = (1.0, 0.1)
"""Of the words whose ids are exchanged."""


class Deeper(NamedTuple):
    """What is planted, in words, and what plants it."""

    says: str
    plant: Callable[[Lab, Case], Subject]


def _poisoned_annotator(lab: Lab, case: Case) -> Subject:
    held_out = audits.inputs(lab)
    names = sorted({vote["annotator"] for row in held_out.test for vote in row["votes"]})
    poisoned = set(case.rng.sample(names, 1 + 2 * (case.number % 2)))
    turned = replace(held_out, test=[turn(row, poisoned) for row in held_out.test])
    settings = audit.effective_settings(case.planned)
    planned = audit.plan(turned, list(case.planned.checks), settings)
    return Subject(_reordered(case, planned), planned=planned)


def turn(row: Row, annotators: set[str]) -> Row:
    """Return a pair with the votes of some annotators turned round, and its label by the majority of what is left."""
    votes = [
        {**vote, "vote": OTHER_SIDE[vote["vote"]]} if vote["annotator"] in annotators else vote for vote in row["votes"]
    ]
    tally = Counter(vote["vote"] for vote in votes)
    if tally["rejected"] <= tally["chosen"]:
        return {**row, "votes": votes}
    votes = [{**vote, "vote": OTHER_SIDE[vote["vote"]]} for vote in votes]
    return {**row, "votes": votes, "chosen": row["rejected"], "rejected": row["chosen"]}


def _reordered(case: Case, planned: audit.Plan) -> Tensor:
    """Return the rewards of another table's texts: the case's own in another order, scored anew where one is new."""
    places = {json.dumps(said): place for place, said in enumerate(case.planned.table.conversations)}
    asked = [places.get(json.dumps(said)) for said in planned.table.conversations]
    if None in asked:
        return case.score(planned.table.conversations)
    return case.raw[:, torch.tensor(asked)]


def _wrong_tokenizer(lab: Lab, case: Case) -> Subject:
    share = SHARES[case.number % len(SHARES)]
    folders = [_exchange(lab, folder, share) for folder in ensembles.strong(lab)]

    def score(conversations: Sequence[Conversation]) -> Tensor:
        return _scored(lab, folders, conversations)

    sound = replace(case, raw=_scored(lab, ensembles.strong(lab), case.planned.table.conversations))
    return Subject(score(case.planned.table.conversations), change=sound.change(score))


def _exchange(lab: Lab, folder: Path, share: float) -> Path:
    """Return a copy of a member whose tokenizer gives some words the ids of others."""

    def make(copy: Path) -> None:
        shutil.copytree(folder, copy, dirs_exist_ok=True)
        path = copy / "tokenizer.json"
        told = json.loads(path.read_text(encoding="utf-8"))
        exchange(told, share, derive_seed(lab.seed, "wrong tokenizer"))
        path.write_text(json.dumps(told), encoding="utf-8")

    return lab.part("members", make, (), wrong_tokenizer_of=folder.name, share=share)


def exchange(tokenizer: dict[str, Any], share: float, seed: int) -> None:
    """Exchange the ids of a share of a word tokenizer's words, in place; special tokens keep theirs."""
    special = {token["content"] for token in tokenizer["added_tokens"]}
    vocabulary = tokenizer["model"]["vocab"]
    words = [word for word in vocabulary if word not in special]
    generator = torch.Generator().manual_seed(seed)
    taken = [words[i] for i in torch.randperm(len(words), generator=generator)[: round(share * len(words))].tolist()]
    ids = [vocabulary[word] for word in taken]
    vocabulary.update(zip(taken, ids[1:] + ids[:1], strict=True))


def _over_trained(lab: Lab, case: Case) -> Subject:
    epochs = EPOCHS[case.number % len(EPOCHS)]
    few = ensembles.WEAK_PAIRS
    trained = [
        members.member(lab, name, trunk, num_pairs=few, num_epochs=epochs)
        for name, trunk in list(ensembles.TRUNKS.items())[:2]
    ]
    return Subject(_scored(lab, trained, case.planned.table.conversations))


def _scored(lab: Lab, folders: Sequence[Path], asked: Sequence[Conversation]) -> Tensor:
    return torch.stack([samples.score(lab, own, f"gates: {hash_text(json.dumps(asked))}", asked) for own in folders])


OF_MODELS: Mapping[str, Deeper] = {
    "poisoned annotator": Deeper(
        "one or three of twenty annotators vote the other way round in the held-out pairs; the members are sound",
        _poisoned_annotator,
    ),
    "wrong tokenizer": Deeper("the ids of all words, or of a tenth, exchanged in the checkpoint", _wrong_tokenizer),
    "over-trained model": Deeper("two members trained for 8 or 24 passes over few pairs", _over_trained),
}

LEAKED = "test leaked into training"
LEAKS: Mapping[str, Callable[[Row], Row]] = {
    "as they are": lambda row: row,
    "in other case and spaces": lambda row: {**row, "prompt": user(f" {text(row['prompt']).capitalize()}  ")},
    "sides exchanged": lambda row: {**row, "chosen": row["rejected"], "rejected": row["chosen"]},
    "with a word more in the prompt": lambda row: {**row, "prompt": user(f"please {text(row['prompt'])}")},
}
LEAK_SAYS = f"{NUM_LEAKED} test pairs put among the train pairs, {', '.join(LEAKS)}; judged by curation's contract"


def try_leak(lab: Lab, number: int, section: Curation) -> dict[str, Any]:
    """Return whether curation refuses leaked test pairs, or takes them out of the train pairs, and by what."""
    raw, name = worlds.draw(lab), list(LEAKS)[number % len(LEAKS)]
    test = [row for row in raw.pairs if row["split"] == "test"][number * NUM_LEAKED :][:NUM_LEAKED]
    leaked = [{**row, "group": text(row["prompt"])} for row in map(LEAKS[name], test)]
    leaked = [{**row, "id": f"leaked-{row['id']}", "split": "train"} for row in leaked]
    curated = curate(replace(raw, pairs=[*raw.pairs, *leaked]), section, lab.seed)
    verdict = judge_contract(curated, section.bounds, lab.seed).verdict
    by = [check.name for check in verdict.checks if not check.passed and check.bound.severity == "block"]
    held_out = {prompt_id(row) for row in curated.tables["test"]}
    is_gone = not any(str(row["id"]).startswith("leaked-") for row in curated.tables["train"])
    if verdict.admitted and is_gone and held_out:
        by = ["taken out by a filter"]
    return {"refused": bool(by), "by": by, "mistake": None, "accuracy": None}
