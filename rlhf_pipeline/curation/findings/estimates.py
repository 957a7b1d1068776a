"""What rows suggest of the data they were drawn from: shares, told where they pass a threshold."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator

from rlhf_pipeline.curation import predictors
from rlhf_pipeline.curation.findings.finding import MANY, Finding, RawByFile, labels_of, pairs_of
from rlhf_pipeline.records import Row, text

ALWAYS = 0.95  # share of one place that is no chance
BALANCE = 0.3  # difference of two shares of positive labels that is no chance
STOCK_FRACTION, STOCK_RATE = 0.01, 0.8  # of the labels; of one label among them
SHARD = re.compile(r"[-_]\d+(\.[a-z]+)*$")  # the number and ending by which parts of one set differ


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


def class_balance(raw_by_file: RawByFile) -> Iterator[Finding]:
    """Tell where parts of the data have opposite shares of positive labels."""
    parts: dict[str, list[int]] = defaultdict(list)
    for file, row in labels_of(raw_by_file):
        parts[SHARD.sub("", str(row.get("slice", file.name.split(".")[0])))].append(row["label"])
    shares = sorted((sum(labels) / len(labels), name) for name, labels in parts.items() if len(labels) >= MANY)
    if len(shares) > 1 and shares[-1][0] - shares[0][0] > BALANCE:
        words = "between the parts' shares of positive labels: " + ", ".join(f"{n} {share:.2f}" for share, n in shares)
        yield Finding("class_balance", round(shares[-1][0] - shares[0][0], 3), words)


def stock_replies(raw_by_file: RawByFile) -> Iterator[Finding]:
    """Tell which completion is given to many prompts and has nearly always the same label, file by file."""
    said: dict[str, dict[str, list[Row]]] = defaultdict(lambda: defaultdict(list))
    for file, row in labels_of(raw_by_file):
        said[text(row["completion"]).strip().rstrip(".").lower()][file.name].append(row)
    total = {file.name: len(raw.labels) for file, raw in raw_by_file.items()}
    for reply, files in said.items():
        often = {name: rows for name, rows in files.items() if len(rows) > max(MANY, STOCK_FRACTION * total[name])}
        rates = {name: sum(row["label"] for row in rows) / len(rows) for name, rows in often.items()}
        if rates and (max(rates.values()) >= STOCK_RATE or min(rates.values()) <= 1 - STOCK_RATE):
            told = ", ".join(f"{rates[name]:.2f} of {len(rows)} in {name}" for name, rows in often.items())
            rows = [row["id"] for found in often.values() for row in found]
            yield Finding("stock_reply", len(rows), f"rows say '{reply[:30]}': positive {told}", rows)


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
    scores = predictors.agreement(pairs_of(raw_by_file))
    alone = sorted(name for name, score in scores.items() if score < 0.5)
    if alone:
        spread = sorted(scores.values())
        tenth, ninth = spread[len(spread) // 10], spread[-1 - len(spread) // 10]
        words = (
            f"of {len(scores)} annotators with {predictors.MIN_VOTES} votes or more vote against the others more often "
            f"than not; agreement runs from {tenth:.2f} to {ninth:.2f} (tenth and nine tenths)"
        )
        yield Finding("annotators", len(alone), words, alone)


ESTIMATES = (one_place, class_balance, stock_replies, shallow, annotators)
