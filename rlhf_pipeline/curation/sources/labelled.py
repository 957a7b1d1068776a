"""A row per completion with a 0/1 label: TRL's unpaired preferences, KTO's data (arXiv:2402.01306) and their like.

Completions of one prompt in one file with different labels are paired. What repeats an earlier row, has both labels or
finds no partner is set aside with that reason; `Raw.labels` holds every judgement.
"""

import re
from collections import defaultdict
from collections.abc import Iterable
from functools import partial
from typing import Any

from pydantic import Field

from rlhf_pipeline.curation.identity import text_of
from rlhf_pipeline.curation.sources import Inputs, Raw
from rlhf_pipeline.curation.sources._conversations import MalformedError, to_conversation, to_dialogue
from rlhf_pipeline.curation.sources._files import Entry
from rlhf_pipeline.curation.sources._forms import read_form, sound
from rlhf_pipeline.curation.sources._pairing import PairingParams, Scored, pair_up
from rlhf_pipeline.records import Row, text

LABELS = {"1": 1, "1.0": 1, "true": 1, "yes": 1, "0": 0, "0.0": 0, "false": 0, "no": 0}


class Params(PairingParams):
    """Names of the columns, how they are read, and which completions become pairs."""

    max_pairs: int | None = Field(8, ge=1, description="most pairs of one prompt; null: all that the rule gives")
    prompt: str = Field("prompt", description="column of the prompt")
    completion: str = Field("completion", description="column of the completion")
    label: str = Field("label", description="column of the label: 0 or 1, false or true, no or yes")
    slice: str = Field("slice", description="column that names a part of the data; may be absent")
    pattern: str = Field("", description="regular expression that parts the prompt's column into prompt and completion")
    roles: dict[str, str] = Field({}, description="of dialogues as JSON text: what each speaker is, user or assistant")


def read(inputs: Inputs, params: Params) -> Raw:
    """Read labelled completions from files, and plain text for demonstrations."""
    return read_form(inputs, params, parse, "labelled")


def parse(entries: Iterable[Entry], params: Params) -> Raw:
    """Return pairs of the completions of each prompt whose labels differ."""
    raw = Raw(pairs=[])
    prompts: dict[tuple[Any, str], list[Row]] = defaultdict(list)
    for entry in entries:
        try:
            row = parse_entry(sound(entry), params)
            raw.labels.append(row)
            prompts[entry.file, text_of(row["prompt"])].append(row)
        except MalformedError as error:
            raw.unreadable.append(({**entry.value, "id": entry.id}, str(error)))
    for rows in prompts.values():
        _pair(rows, raw, params)
    return raw


def parse_entry(entry: Entry, params: Params) -> Row:
    """Return an entry as a judgement: `id`, `prompt`, `completion`, `label` and, where it has one, `slice`.

    Raises:
        MalformedError: a part is missing or of a wrong type.
    """
    prompt, completion = _parts(entry, params)
    convert = partial(to_dialogue, roles=params.roles) if params.roles else to_conversation
    row: Row = {"id": entry.id, "prompt": convert(params.prompt, prompt, role="user")}
    row |= {"completion": convert(params.completion, completion, role="assistant")}
    label = LABELS.get(str(entry.value.get(params.label)).strip().lower())
    if label is None:
        raise MalformedError(f"{params.label} is no label: {str(entry.value.get(params.label))[:40]}")
    part = entry.value.get(params.slice)
    return row | {"label": label} | ({} if part is None else {"slice": str(part)})


def _parts(entry: Entry, params: Params) -> tuple[Any, Any]:
    prompt = entry.value.get(params.prompt)
    if not params.pattern:
        return prompt, entry.value.get(params.completion)
    found = re.fullmatch(params.pattern, prompt, re.DOTALL) if isinstance(prompt, str) else None
    if not found:
        raise MalformedError(f"{params.prompt} does not fit the pattern")
    return found["prompt"], found["completion"]


def _pair(rows: list[Row], raw: Raw, params: Params) -> None:
    """Pair the judgements of one prompt, and set aside what cannot be paired."""
    said: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        said[text(row["completion"]).strip()].append(row)
    raw.unreadable += [(row, f"repeats an earlier row: {same[0]['id']}") for same in said.values() for row in same[1:]]
    both = [same[0] for same in said.values() if len({row["label"] for row in same}) > 1]
    raw.unreadable += [(row, "labelled both ways") for row in both]
    clear = [same[0] for same in said.values() if same[0] not in both]
    parts = {"slice": clear[0]["slice"]} if clear and "slice" in clear[0] else {}
    scored = [Scored(row["id"], row["completion"], row["label"], params.completion) for row in clear]
    try:
        raw.pairs += [row | parts for row in pair_up(rows[0]["prompt"], scored, params)]
    except MalformedError:
        raw.unreadable += [(row, "no completion of the prompt has the other label") for row in clear]
