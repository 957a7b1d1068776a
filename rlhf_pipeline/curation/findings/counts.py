"""What stands in the rows, counted: each is a fact, however few rows there are."""

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import combinations

from rlhf_pipeline.curation import identity
from rlhf_pipeline.curation.curate import Curated
from rlhf_pipeline.curation.findings.finding import (
    MANY,
    SIDES,
    Finding,
    RawByFile,
    by_item,
    judgements_of,
    labels_of,
    pairs_of,
)
from rlhf_pipeline.curation.identity import prompt_id, text_of
from rlhf_pipeline.curation.pair_checks import majorities
from rlhf_pipeline.records import Row, text

PARTS = ("prompt", "chosen", "rejected", "completion")
FEW_PAIRS = 10_000  # kept pairs below which a reward model learns little beyond word counts
COARSE = re.compile(r"\b(fuck|shit|bitch|asshole|cunt|whore|slut|bastard)", re.IGNORECASE)


def few_pairs(curated: Curated) -> Iterator[Finding]:
    """Tell where too few pairs are kept."""
    if curated.num_kept < FEW_PAIRS:
        yield Finding("few_pairs", curated.num_kept, f"pairs kept of {curated.num_read} read: few for a reward model")


def set_aside(raw_by_file: RawByFile) -> Iterator[Finding]:
    """Tell what could not become a pair, by kind of reason; sides that are no text among them."""
    kinds: dict[str, list[str]] = defaultdict(list)
    for row, reason in _unreadable(raw_by_file):
        kinds[reason if "text nor messages" in reason else reason.partition(":")[0]].append(row["id"])
    for kind, rows in sorted(kinds.items(), key=lambda x: -len(x[1])):
        name = "no_text" if "text nor messages" in kind else "set_aside"
        yield Finding(name, len(rows), kind, rows)


def empty_sides(raw_by_file: RawByFile) -> Iterator[Finding]:
    """Tell which rows have a side or a message without a word."""
    empty = [row["id"] for row in judgements_of(raw_by_file) if any(p in row and _is_empty(row[p]) for p in PARTS)]
    if empty:
        yield Finding("empty_text", len(empty), "rows with a prompt or side that says nothing", empty)


def duplicates(raw_by_file: RawByFile) -> Iterator[Finding]:
    """Tell which rows repeat a judgement of their file."""
    copies: list[str] = []
    for raw in raw_by_file.values():
        copies += [raw.pairs[place]["id"] for place, _ in identity.duplicates(raw.pairs) if not raw.labels]
        copies += [row["id"] for rows in by_item(raw).values() for row in _repeats(rows)]
    if copies:
        yield Finding("duplicates", len(copies), "rows repeat an earlier judgement", copies)


def both_ways(raw_by_file: RawByFile) -> Iterator[Finding]:
    """Tell which items one file judges both ways: pairs, and completions with both labels."""
    both: list[list[str]] = []
    for raw in raw_by_file.values():
        places = [] if raw.labels else identity.contradictions(raw.pairs)
        both += [[raw.pairs[place]["id"] for place in found] for found in places]
        both += [[row["id"] for row in rows] for rows in by_item(raw).values() if len(_labels_of(rows)) > 1]
    if both:
        yield Finding("both_ways", len(both), "items are judged both ways", [name for names in both for name in names])


def opposite_files(raw_by_file: RawByFile) -> Iterator[Finding]:
    """Tell which two files label the same completions differently: they ask for different things."""
    items = {file: by_item(raw) for file, raw in raw_by_file.items() if raw.labels}
    for one, other in combinations(items, 2):
        shared = items[one].keys() & items[other].keys()
        apart = [
            key
            for key in items[one]
            if key in shared and _labels_of(items[one][key]).isdisjoint(_labels_of(items[other][key]))
        ]
        if len(apart) > MANY:
            words = (
                f"of {len(shared)} completions in both {one.name} and {other.name} have another label there: two aims"
            )
            yield Finding("opposite_files", len(apart), words, [items[one][key][0]["id"] for key in apart])


def disagreement(raw_by_file: RawByFile) -> Iterator[Finding]:
    """Tell how many pairs their own annotators judged both ways."""
    voted = [row for row in pairs_of(raw_by_file) if len(row.get("votes", ())) > 1]
    split = [row["id"] for row in voted if {"chosen", "rejected"} <= {vote["vote"] for vote in row["votes"]}]
    if split:
        words = f"of {len(voted)} voted pairs have votes for both sides: read the margin"
        yield Finding("split_votes", len(split), words, split)


def cycles(raw_by_file: RawByFile) -> Iterator[Finding]:
    """Tell for how many prompts a beats b, b beats c and c beats a."""
    from networkx import DiGraph, strongly_connected_components

    pairs = pairs_of(raw_by_file)
    circles: dict[tuple[str, str], int] = {}
    beaten = dict(majorities(pairs))
    for prompt, edges in beaten.items():
        parts = [part for part in strongly_connected_components(DiGraph(edges)) if len(part) > 1]
        circles |= {(prompt, side): number for number, part in enumerate(parts) for side in part}
    if circles:
        ends = [(row["id"], *(circles.get((prompt_id(row), text_of(row[x]))) for x in SIDES)) for row in pairs]
        rows = [name for name, chosen, rejected in ends if chosen is not None and chosen == rejected]
        count = len({prompt for prompt, _ in circles})
        yield Finding(
            "cycles", count, f"of {len(beaten)} prompts with several pairs have preferences that run in a circle", rows
        )


def leaks(raw_by_file: RawByFile) -> Iterator[Finding]:
    """Tell which files ask the same prompts: a test file that shares them tests nothing new."""
    asked = {file: {text_of(row["prompt"]) for row in raw.labels or raw.pairs} for file, raw in raw_by_file.items()}
    for pair in combinations(raw_by_file, 2):
        few, many = sorted(pair, key=lambda file: len(asked[file]))
        shared = asked[few] & asked[many]
        if shared:
            judged = raw_by_file[few].labels or raw_by_file[few].pairs
            rows = [row["id"] for row in judged if text_of(row["prompt"]) in shared]
            words = f"of {len(asked[few])} prompts of {few.name} stand in {many.name} too: split by prompt"
            yield Finding("shared_prompts", len(shared), words, rows)


def reuse(raw_by_file: RawByFile) -> Iterator[Finding]:
    """Tell where few completions or prompts stand behind many rows, and what to split by."""
    rows = pairs_of(raw_by_file)
    sides = {text_of(row[side]) for row in rows for side in SIDES}
    if 2 * len(sides) < len(rows):
        words = f"distinct completions stand behind {len(rows)} pairs: split by {_group(rows)}, never by pair"
        yield Finding("reused_completions", len(sides), words)
    judged = [row for _, row in labels_of(raw_by_file)] or rows
    prompts = {text_of(row["prompt"]) for row in judged}
    if 2 * len(prompts) < len(judged):
        words = f"distinct prompts stand behind {len(judged)} rows: split by prompt or wider, never by row"
        yield Finding("reused_prompts", len(prompts), words)


def coarse_words(raw_by_file: RawByFile) -> Iterator[Finding]:
    """Tell which rows hold one of a few swear words; there are more words than these."""
    coarse = [r["id"] for r in judgements_of(raw_by_file) if any(p in r and COARSE.search(text(r[p])) for p in PARTS)]
    if len(coarse) >= MANY:
        yield Finding(
            "coarse_words", len(coarse), "rows hold coarse words, by a short list: read before you show", coarse
        )


COUNTS = (
    set_aside, empty_sides, duplicates, both_ways, opposite_files, disagreement, cycles, leaks, reuse, coarse_words,
)  # fmt: skip


def _unreadable(raw_by_file: RawByFile) -> Iterator[tuple[Row, str]]:
    return (entry for raw in raw_by_file.values() for entry in raw.unreadable)


def _is_empty(conversation: Sequence[Row]) -> bool:
    return not conversation or not all(message["content"].strip() for message in conversation)


def _labels_of(rows: list[Row]) -> set[int]:
    return {row["label"] for row in rows}


def _repeats(rows: list[Row]) -> list[Row]:
    labels = [row["label"] for row in rows]
    return [row for place, row in enumerate(rows) if row["label"] in labels[:place]]


def _group(rows: list[Row]) -> str:
    """Return the widest grouping under which no completion is in two groups."""
    told = ("id", "group", "chosen_place")
    columns = [key for key, value in rows[0].items() if isinstance(value, str) and key not in told]
    keys = {"prompt": [text_of(row["prompt"]) for row in rows]}
    keys |= {column: [str(row.get(column)) for row in rows] for column in columns}
    sound = {name: len(set(values)) for name, values in keys.items() if _keeps_apart(rows, values)}
    return f"`{min(sound, key=lambda name: sound[name])}`" if sound else "a column that keeps each in one group"


def _keeps_apart(rows: list[Row], values: list[str]) -> bool:
    groups: dict[str, set[str]] = defaultdict(set)
    for row, value in zip(rows, values, strict=True):
        for side in SIDES:
            groups[text_of(row[side])].add(value)
    return len(set(values)) > 1 and all(len(names) == 1 for names in groups.values())
