"""Items to label: gathered from train pairs, from pairs nobody labelled, or from the policy's own samples, and chosen.

No item shares a prompt or a group with what members or policies are judged on. `python -m
rlhf_pipeline.policy.candidates --source pairs --count 200 --out FILE.jsonl`.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import torch

from rlhf_pipeline import methods
from rlhf_pipeline.curation.identity import item_id, prompt_id, text_of
from rlhf_pipeline.curation.sources._conversations import MalformedError, with_prompt
from rlhf_pipeline.curation.sources._files import find_files, iterate_entries
from rlhf_pipeline.params import Params, load_params
from rlhf_pipeline.records import Row, assistant, derive_seed, iterate_rows, read_rows, text, write_rows
from rlhf_pipeline.validation import teaching
from rlhf_pipeline.validation.context_length import fits_all
from rlhf_pipeline.validation.ensemble import Ensemble

DATA = Path("data")
HELD_OUT = ("validation", "test", "evaluator", "evaluation_prompts")
SCORED_PER_LABEL = 20
"""So many candidates are scored for each label; more would cost more than they teach."""
DRAWN_PER_LABEL = 5
"""So many of the policy's prompts are answered for each label: sampling costs more than scoring."""


def gather(source: str, pool: Path | None, count: int, params: Params) -> list[Row]:
    """Return every item that could be labelled: its two sides, in an order that does not tell which is preferred.

    `is_first_chosen` is the label that stands; None where there is none.
    """
    if pool:
        return list(from_files(pool, params.curation.group))
    if source == "policy":
        return from_policy(count, params)
    return [_item(row, row["chosen"], row["rejected"], source, params.curation.group) for row in _train()]


def from_files(pool: Path, group: str = "prompt") -> Iterator[Row]:
    """Yield items of files of `prompt`, `first` and `second`, which no one has labelled.

    Raises:
        MethodError: a row is no such item; names file and row.
    """
    for file in find_files(pool):
        for entry in iterate_entries(file):
            try:
                if entry.error:
                    raise MalformedError(entry.error)
                row = with_prompt(*(entry.value.get(name) for name in ("prompt", "first", "second")))
            except MalformedError as error:
                why = str(error).replace("chosen", "first").replace("rejected", "second")
                raise methods.MethodError(f"{file.name}, row {entry.number}: {why}") from error
            named = {group: entry.value[group], "group": str(entry.value[group])} if _has(entry.value, group) else {}
            yield {**_item({**row, **named}, row["chosen"], row["rejected"], "files", group), "is_first_chosen": None}


def from_policy(count: int, params: Params) -> list[Row]:
    """Return items of two samples each of the policy, on prompts that it was trained on."""
    from rlhf_pipeline.models import load_policy
    from rlhf_pipeline.policy.sampling import sample

    algorithm = methods.load("policy/algorithms", params.policy.algorithm)
    longest = methods.settings(algorithm, params.policy.settings).max_completion_length
    rows = sorted(read_rows(DATA / "curation/policy_prompts.jsonl"), key=prompt_id)[: DRAWN_PER_LABEL * count]
    model, tokenizer = load_policy(DATA / "policy/model")
    seed = derive_seed(params.seed, "candidates")
    prompts = [row["prompt"] for row in rows]
    drawn = sample(model, tokenizer, prompts, num_samples=2, max_new_tokens=longest, seed=seed)
    items = [
        _item(row, assistant(a.text), assistant(b.text), "policy") for row, (a, b) in zip(rows, drawn, strict=True)
    ]
    return [{**item, "is_first_chosen": None} for item in items if text(item["first"]).strip()]  # "" sorts first


def admit(items: Iterable[Row], held_out: Iterable[Row], asked: set[str]) -> list[Row]:
    """Return items that may be labelled, each once, in an order by chance: by their ids.

    Args:
        items: that were gathered.
        held_out: rows whose prompts and groups no label may touch.
        asked: ids of items that were exported before.
    """
    rows = list(held_out)
    prompts, groups = {prompt_id(row) for row in rows}, {row["group"] for row in rows if "group" in row}
    free = {
        item["id"]: item
        for item in items
        if item["id"] not in asked and prompt_id(item) not in prompts and item.get("group") not in groups
        if text_of(item["first"]) != text_of(item["second"])
    }
    return [free[key] for key in sorted(free)]


def rate(items: Sequence[Row], ensemble: Ensemble, threads: int = 1) -> list[Row]:
    """Return items with what a label of each would teach; those that a member cannot read whole are left out.

    `margin` is the ensemble's reward of the first side less the second's, `disagreement` its standard deviation over
    members, both in units of a member's spread within prompts. `is_failed`: the label that stands is against it.
    """
    fits = fits_all(ensemble.reward_models.values())
    fit = [fits([item["prompt"] + item[side] for item in items]) for side in ("first", "second")]
    items = [item for item, *both in zip(items, *fit, strict=True) if all(both)]
    sides = [item["prompt"] + item[side] for side in ("first", "second") for item in items]
    raw = ensemble.member_rewards(sides, threads)
    rewards = ensemble.aggregate(raw, [*range(len(items))] * 2, conversations=sides)
    first, second = rewards.reward.chunk(2)
    own = torch.sub(*rewards.normalised.chunk(2, dim=1))
    told = zip(items, (first - second).tolist(), own.std(dim=0, correction=0).tolist(), strict=True)
    return [
        {**item, "margin": margin, "disagreement": spread, "is_failed": _is_against(item, margin)}
        for item, margin, spread in told
    ]


def choose(rated: Sequence[Row], count: int) -> list[Row]:
    """Return the items to label, each with its topic, the most worth first."""
    margin, disagreement, is_failed = (
        torch.tensor([float(row[key]) for row in rated]) for key in ("margin", "disagreement", "is_failed")
    )
    topics = teaching.find_topics([text(row["prompt"]) for row in rated])
    places = teaching.choose(teaching.worth(disagreement, margin, is_failed), margin, topics, count)
    return [
        {key: value for key, value in rated[i].items() if key != "is_first_chosen"} | {"topic": int(topics[i])}
        for i in places
    ]


def propose(source: str, count: int, pool: Path | None, asked: set[str]) -> list[Row]:
    """Return the items to label, from what the last night left under data/."""
    params = load_params()
    torch.set_num_threads(1)
    held_out = [row for name in HELD_OUT for row in iterate_rows(DATA / f"curation/{name}.jsonl")]
    items = admit(gather(source, pool, count, params), held_out, asked)[: SCORED_PER_LABEL * count]
    if not items:
        return []
    named = params.rewards.named("member")
    ensemble = Ensemble.load(DATA / "validation/ensemble.json", DATA / "rewards/members", named)
    return choose(rate(items, ensemble, params.validation.threads), count)


def main() -> None:
    """Write the items to label."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--source", choices=("pairs", "policy"), required=True)
    parser.add_argument("--count", type=int, required=True)
    parser.add_argument("--pool", type=Path, help="files of pairs that nobody labelled")
    parser.add_argument("--asked", type=Path, action="append", default=[], help="items that were exported before")
    parser.add_argument("--out", type=Path, required=True)
    told = parser.parse_args()
    asked = {row["id"] for path in told.asked for row in iterate_rows(path)}
    write_rows(told.out, propose(told.source, told.count, told.pool, asked))


def _train() -> Iterator[Row]:
    return iterate_rows(DATA / "curation/train.jsonl")


def _item(row: Row, one: list[dict[str, str]], other: list[dict[str, str]], source: str, group: str = "prompt") -> Row:
    is_first = text_of(one) <= text_of(other)
    key = item_id({"prompt": row["prompt"], "chosen": one, "rejected": other})
    kept = {name: row[name] for name in ("group", group) if _has(row, name)}
    sides = {"first": one if is_first else other, "second": other if is_first else one}
    return {"id": key, "prompt": row["prompt"], **sides, **kept, "asked_from": source, "is_first_chosen": is_first}


def _has(row: Row, group: str) -> bool:
    return group != "prompt" and group in row


def _is_against(item: Row, margin: float) -> bool:
    """Return whether the label that stands, if one does, is against the margin."""
    return item["is_first_chosen"] is not None and (margin < 0 if item["is_first_chosen"] else margin > 0)


if __name__ == "__main__":
    main()
