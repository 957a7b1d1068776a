"""What rows suggest of the data they were drawn from: shares that may be chance.

Every estimate that is made is yielded, with its chance: how many there are decides which are told.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from math import comb
from pathlib import Path

from rlhf_pipeline.curation import predictors
from rlhf_pipeline.curation.chance import chance_of_count, chance_of_difference, chance_of_share, share
from rlhf_pipeline.curation.findings.finding import LEVEL, MANY, Finding, RawByFile, labels_of, pairs_of
from rlhf_pipeline.records import Row, text

ALWAYS = 0.95  # share of one place that is worth telling
BALANCE = 0.3  # difference of two shares of positive labels that is
STOCK_FRACTION, STOCK_RATE = 0.01, 0.8  # of the labels; of one label among them
SHARD = re.compile(r"[-_]\d+(\.[a-z]+)*$")  # the number and ending by which parts of one set differ


def one_place(raw_by_file: RawByFile) -> Iterator[Finding]:
    """Tell where the better completion almost always stands in the same place of its entry, whatever a manual says."""
    for file, raw in raw_by_file.items():
        places = Counter(row["chosen_place"] for row in raw.pairs if "chosen_place" in row)
        place, count = max(places.items(), key=lambda x: x[1], default=("", 0))
        if places.total() >= MANY:
            words = f"of {places.total()} pairs of {file.name} have the better side in {place}, whatever a manual says"
            others = [row["id"] for row in raw.pairs if row.get("chosen_place") != place]
            is_always = count / places.total() >= ALWAYS
            yield Finding(
                "one_place", count, words, others, chance_of_count(count, places.total(), 0.5) if is_always else 1.0
            )


def class_balance(raw_by_file: RawByFile) -> Iterator[Finding]:
    """Tell where parts of the data have opposite shares of positive labels."""
    parts: dict[str, list[Row]] = defaultdict(list)
    for file, row in labels_of(raw_by_file):
        parts[_part(file, row)].append(row)
    shares = sorted(
        ((share([row["label"] for row in rows], [_group(row) for row in rows]), name) for name, rows in parts.items()
         if len(rows) >= MANY), key=lambda x: x[0].value,
    )  # fmt: skip
    if len(shares) > 1:
        least, most = shares[0][0], shares[-1][0]
        apart = most.value - least.value
        words = "between the parts' shares of positive labels: " + ", ".join(f"{n} {x.value:.2f}" for x, n in shares)
        # Those farthest apart were chosen among all pairs of parts.
        chance = min(chance_of_difference(least, most) * comb(len(shares), 2), 1.0)
        yield Finding("class_balance", round(apart, 3), words, chance=chance if apart > BALANCE else 1.0)


def stock_replies(raw_by_file: RawByFile) -> Iterator[Finding]:
    """Tell which completion is given to many prompts and has nearly always the same label, file by file.

    What chance explains is told from how often its file's labels are positive at all.
    """
    said: dict[str, dict[str, list[Row]]] = defaultdict(lambda: defaultdict(list))
    for file, row in labels_of(raw_by_file):
        said[text(row["completion"]).strip().rstrip(".").lower()][file.name].append(row)
    labels = {file.name: [row["label"] for row in raw.labels] for file, raw in raw_by_file.items()}
    for reply, files in said.items():
        often = {
            name: rows for name, rows in files.items() if len(rows) > max(MANY, STOCK_FRACTION * len(labels[name]))
        }
        rates = {name: sum(row["label"] for row in rows) / len(rows) for name, rows in often.items()}
        chances = [
            chance_of_count(sum(row["label"] for row in rows), len(rows), sum(labels[name]) / len(labels[name]))
            if not 1 - STOCK_RATE < rates[name] < STOCK_RATE
            else 1.0
            for name, rows in often.items()
        ]
        if often:
            told = ", ".join(f"{rates[name]:.2f} of {len(rows)} in {name}" for name, rows in often.items())
            rows = [row["id"] for found in often.values() for row in found]
            words = f"rows say '{reply[:30]}': positive {told}"
            yield Finding("stock_reply", len(rows), words, rows, min(min(chances) * len(chances), 1.0))


def shallow(raw_by_file: RawByFile) -> Iterator[Finding]:
    """Tell how much of the preferences length alone and words alone predict, by part."""
    parts: dict[str, list[Row]] = defaultdict(list)
    for file, raw in raw_by_file.items():
        for row in raw.pairs:
            parts[_part(file, row)].append(row)
    for name, rows in parts.items():
        for finding, (found, is_much, words) in predictors.measure(rows).items():
            low, high = found.interval
            told = f"({low:.3f} to {high:.3f}) of {len(rows)} pairs of {name}: {words}"
            yield Finding(finding, round(found.value, 3), told, chance=chance_of_share(found, 0.5) if is_much else 1.0)


def annotators(raw_by_file: RawByFile) -> Iterator[Finding]:
    """Tell who agrees with nobody: annotators whose votes are mostly against the majority of the others.

    What chance explains is told from how often all annotators agree.
    """
    votes = predictors.agreement(pairs_of(raw_by_file))
    if not votes:
        return
    spread = sorted(sum(cast) / len(cast) for cast in votes.values())
    tenth, ninth = spread[len(spread) // 10], spread[-1 - len(spread) // 10]
    every = [is_agreed for cast in votes.values() for is_agreed in cast]
    usual = sum(every) / len(every)
    chances = {name: chance_of_count(sum(cast), len(cast), usual) * len(votes) for name, cast in votes.items()}
    alone = sorted(name for name, cast in votes.items() if 2 * sum(cast) < len(cast) and chances[name] <= LEVEL)
    words = (
        f"of {len(votes)} annotators with {predictors.MIN_VOTES} votes or more vote against the others more often "
        f"than not; agreement runs from {tenth:.2f} to {ninth:.2f} (tenth and nine tenths)"
    )
    yield Finding("annotators", len(alone), words, alone, min([1.0, *(chances[name] for name in alone)]))


ESTIMATES = (one_place, class_balance, stock_replies, shallow, annotators)


def _part(file: Path, row: Row) -> str:
    """Return the row's slice, or its file, without the number by which shards differ."""
    return SHARD.sub("", str(row.get("slice", file.name.split(".")[0])))


def _group(row: Row) -> str:
    return str(row.get("group", text(row["prompt"])))
