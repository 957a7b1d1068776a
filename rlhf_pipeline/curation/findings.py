"""What a person should know of data before it trains anything, by row. The contract judges; a finding only tells.

Nothing here looks at a file's name: each finding is a measure of the rows, told where it passes its threshold.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path

from rlhf_pipeline.curation import identity, predictors
from rlhf_pipeline.curation.curate import Curated
from rlhf_pipeline.curation.identity import prompt_id, text_of
from rlhf_pipeline.curation.pair_checks import majorities
from rlhf_pipeline.curation.sources import Raw
from rlhf_pipeline.records import Row, text

PARTS = ("prompt", "chosen", "rejected", "completion")
SIDES = ("chosen", "rejected")
MANY = 20  # rows, below which a share says little
ALWAYS = 0.95  # share of one place that is no chance
BALANCE = 0.3  # difference of two shares of positive labels that is no chance
FEW_PAIRS = 10_000  # kept pairs below which a reward model learns little beyond word counts
STOCK_FRACTION, STOCK_RATE = 0.01, 0.8  # of the labels; of one label among them
SHARD = re.compile(r"[-_]\d+(\.[a-z]+)*$")  # the number and ending by which parts of one set differ
COARSE = re.compile(r"\b(fuck|shit|bitch|asshole|cunt|whore|slut|bastard)", re.IGNORECASE)


@dataclass(frozen=True)
class Finding:
    """One thing found: its name, a number, the ids of rows that show it (file and row), and words."""

    name: str
    value: float
    words: str
    rows: list[str] = field(default_factory=list)


RawByFile = Mapping[Path, Raw]


def find(curated: Curated, raw_by_file: RawByFile) -> list[Finding]:
    """Return what was found in data as read (per file) and as curated."""
    found = [finding for measure in MEASURES for finding in measure(raw_by_file)]
    return [*found, *few_pairs(curated)]


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
    empty = [row["id"] for row in _rows(raw_by_file) if any(p in row and _is_empty(row[p]) for p in PARTS)]
    if empty:
        yield Finding("empty_text", len(empty), "rows with a prompt or side that says nothing", empty)


def duplicates(raw_by_file: RawByFile) -> Iterator[Finding]:
    """Tell which rows repeat a judgement of their file."""
    copies: list[str] = []
    for raw in raw_by_file.values():
        copies += [raw.pairs[place]["id"] for place, _ in identity.duplicates(raw.pairs) if not raw.labels]
        copies += [row["id"] for rows in _by_item(raw).values() for row in _repeats(rows)]
    if copies:
        yield Finding("duplicates", len(copies), "rows repeat an earlier judgement", copies)


def both_ways(raw_by_file: RawByFile) -> Iterator[Finding]:
    """Tell which items one file judges both ways: pairs, and completions with both labels."""
    both: list[list[str]] = []
    for raw in raw_by_file.values():
        places = [] if raw.labels else identity.contradictions(raw.pairs)
        both += [[raw.pairs[place]["id"] for place in found] for found in places]
        both += [[row["id"] for row in rows] for rows in _by_item(raw).values() if len(_labels_of(rows)) > 1]
    if both:
        yield Finding("both_ways", len(both), "items are judged both ways", [name for names in both for name in names])


def opposite_files(raw_by_file: RawByFile) -> Iterator[Finding]:
    """Tell which two files label the same completions differently: they ask for different things."""
    items = {file: _by_item(raw) for file, raw in raw_by_file.items() if raw.labels}
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
    voted = [row for row in _pairs(raw_by_file) if len(row.get("votes", ())) > 1]
    split = [row["id"] for row in voted if {"chosen", "rejected"} <= {vote["vote"] for vote in row["votes"]}]
    if split:
        words = f"of {len(voted)} voted pairs have votes for both sides: read the margin"
        yield Finding("split_votes", len(split), words, split)


def cycles(raw_by_file: RawByFile) -> Iterator[Finding]:
    """Tell for how many prompts a beats b, b beats c and c beats a."""
    from networkx import DiGraph, strongly_connected_components

    pairs = _pairs(raw_by_file)
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


def one_place(raw_by_file: RawByFile) -> Iterator[Finding]:
    """Tell where the better completion almost always stands in the same place of its entry, whatever a manual says."""
    for file, raw in raw_by_file.items():
        places = Counter(row["chosen_place"] for row in raw.pairs if "chosen_place" in row)
        place, count = max(places.items(), key=lambda x: x[1], default=("", 0))
        is_choice = len(raw.labels) == 0 and places.total() >= MANY
        if is_choice and count / places.total() >= ALWAYS:
            words = f"of {places.total()} pairs of {file.name} have the better side in {place}, whatever a manual says"
            others = [row["id"] for row in raw.pairs if row.get("chosen_place") != place]
            yield Finding("one_place", count, words, others)


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


def class_balance(raw_by_file: RawByFile) -> Iterator[Finding]:
    """Tell where parts of the data have opposite shares of positive labels."""
    parts: dict[str, list[int]] = defaultdict(list)
    for file, row in _labels(raw_by_file):
        parts[SHARD.sub("", str(row.get("slice", file.name.split(".")[0])))].append(row["label"])
    shares = sorted((sum(labels) / len(labels), name) for name, labels in parts.items() if len(labels) >= MANY)
    if len(shares) > 1 and shares[-1][0] - shares[0][0] > BALANCE:
        words = "between the parts' shares of positive labels: " + ", ".join(f"{n} {share:.2f}" for share, n in shares)
        yield Finding("class_balance", round(shares[-1][0] - shares[0][0], 3), words)


def stock_replies(raw_by_file: RawByFile) -> Iterator[Finding]:
    """Tell which completion is given to many prompts and has nearly always the same label, file by file."""
    said: dict[str, dict[str, list[Row]]] = defaultdict(lambda: defaultdict(list))
    for file, row in _labels(raw_by_file):
        said[text(row["completion"]).strip().rstrip(".").lower()][file.name].append(row)
    total = {file.name: len(raw.labels) for file, raw in raw_by_file.items()}
    for reply, files in said.items():
        often = {name: rows for name, rows in files.items() if len(rows) > max(MANY, STOCK_FRACTION * total[name])}
        rates = {name: sum(row["label"] for row in rows) / len(rows) for name, rows in often.items()}
        if rates and (max(rates.values()) >= STOCK_RATE or min(rates.values()) <= 1 - STOCK_RATE):
            told = ", ".join(f"{rates[name]:.2f} of {len(rows)} in {name}" for name, rows in often.items())
            rows = [row["id"] for found in often.values() for row in found]
            yield Finding("stock_reply", len(rows), f"rows say '{reply[:30]}': positive {told}", rows)


def reuse(raw_by_file: RawByFile) -> Iterator[Finding]:
    """Tell where few completions or prompts stand behind many rows, and what to split by."""
    rows = _pairs(raw_by_file)
    sides = {text_of(row[side]) for row in rows for side in SIDES}
    if 2 * len(sides) < len(rows):
        words = f"distinct completions stand behind {len(rows)} pairs: split by {_group(rows)}, never by pair"
        yield Finding("reused_completions", len(sides), words)
    judged = [row for _, row in _labels(raw_by_file)] or rows
    prompts = {text_of(row["prompt"]) for row in judged}
    if 2 * len(prompts) < len(judged):
        words = f"distinct prompts stand behind {len(judged)} rows: split by prompt or wider, never by row"
        yield Finding("reused_prompts", len(prompts), words)


def coarse_words(raw_by_file: RawByFile) -> Iterator[Finding]:
    """Tell which rows hold one of a few swear words; there are more words than these."""
    coarse = [r["id"] for r in _rows(raw_by_file) if any(p in r and COARSE.search(text(r[p])) for p in PARTS)]
    if len(coarse) >= MANY:
        yield Finding(
            "coarse_words", len(coarse), "rows hold coarse words, by a short list: read before you show", coarse
        )


def shallow(raw_by_file: RawByFile) -> Iterator[Finding]:
    """Tell how much of the preferences length alone and words alone predict, by part."""
    parts: dict[str, list[Row]] = defaultdict(list)
    for file, raw in raw_by_file.items():
        for row in raw.pairs:
            parts[SHARD.sub("", str(row.get("slice", file.name.split(".")[0])))].append(row)
    for name, rows in parts.items():
        for finding, (share, words) in predictors.measure(rows).items():
            yield Finding(finding, share, f"of {len(rows)} pairs of {name}: {words}")


def annotators(raw_by_file: RawByFile) -> Iterator[Finding]:
    """Tell who agrees with nobody: annotators whose votes are mostly against the majority of the others."""
    scores = predictors.agreement(_pairs(raw_by_file))
    alone = sorted(name for name, score in scores.items() if score < 0.5)
    if alone:
        spread = sorted(scores.values())
        tenth, ninth = spread[len(spread) // 10], spread[-1 - len(spread) // 10]
        words = (
            f"of {len(scores)} annotators with {predictors.MIN_VOTES} votes or more vote against the others more often "
            f"than not; agreement runs from {tenth:.2f} to {ninth:.2f} (tenth and nine tenths)"
        )
        yield Finding("annotators", len(alone), words, alone)


Measure = Callable[[RawByFile], Iterator[Finding]]
MEASURES: tuple[Measure, ...] = (
    set_aside, empty_sides, duplicates, both_ways, opposite_files, disagreement, cycles, one_place, leaks,
    class_balance, stock_replies, reuse, shallow, annotators, coarse_words,
)  # fmt: skip


def _pairs(raw_by_file: RawByFile) -> list[Row]:
    return [row for raw in raw_by_file.values() for row in raw.pairs]


def _labels(raw_by_file: RawByFile) -> Iterator[tuple[Path, Row]]:
    return ((file, row) for file, raw in raw_by_file.items() for row in raw.labels)


def _rows(raw_by_file: RawByFile) -> list[Row]:
    """Return the judgements as they were read: labels where there are any, else pairs."""
    return [row for _, row in _labels(raw_by_file)] or _pairs(raw_by_file)


def _unreadable(raw_by_file: RawByFile) -> Iterator[tuple[Row, str]]:
    return (entry for raw in raw_by_file.values() for entry in raw.unreadable)


def _is_empty(conversation: Sequence[Row]) -> bool:
    return not conversation or not all(message["content"].strip() for message in conversation)


def _by_item(raw: Raw) -> dict[tuple[str, str], list[Row]]:
    """Return a file's labelled rows by prompt and completion."""
    found: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in raw.labels:
        found[text_of(row["prompt"]), text_of(row["completion"])].append(row)
    return found


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
