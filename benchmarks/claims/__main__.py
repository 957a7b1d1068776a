"""Measure claims and write docs/claims.md: `python -m benchmarks.claims [NAME…] [--family F] [--seeds 8] [--jobs 2]`.

Measures what is not in the book yet, so a stopped run goes on. The last line is one JSON object.
"""

import argparse
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from benchmarks.claims import catalogue, judging, running, table
from benchmarks.claims.book import Book
from benchmarks.claims.catalogue import Entry

PAGE = Path("docs/claims.md")
STALE = "measured before its files changed"


def tell(entries: Sequence[Entry], book: Book, first_seed: int = running.FRESH) -> list[table.Row]:
    """Return every claim's row, its verdict after its family's false discovery rate."""
    entries = [running.last_measured(entry, book, first_seed) for entry in entries]
    effects = {entry.name: running.verdict(entry, book, first_seed) for entry in entries}
    for family in {entry.family for entry in entries}:
        members = {entry.name: effects[entry.name] for entry in entries if entry.family == family}
        effects |= judging.control_discoveries(members)
    return [_row(entry, effects[entry.name], book, first_seed) for entry in entries]


def _row(entry: Entry, effect: judging.Effect, book: Book, first_seed: int) -> table.Row:
    used = [m for m in book if (m.claim, m.key) == (entry.name, entry.key) and m.seed >= first_seed]
    newest = max(used, key=lambda m: m.date, default=None)
    seconds = sum(m.seconds for m in used) / max(effect.num_seeds, 1)
    told = (newest.date, newest.commit) if newest else ("", "")
    if entry.stale_key:
        effect = replace(effect, note="; ".join(filter(None, [effect.note, STALE])))
    return table.Row(entry, effect, running.chosen(entry, book), seconds, *told)


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser("python -m benchmarks.claims", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--family")
    parser.add_argument("--seeds", type=int, default=judging.MIN_SEEDS, help="fresh seeds; 0 only writes the page")
    parser.add_argument("--first", type=int, help="first of the fresh seeds; by default 100, or 200 to confirm")
    parser.add_argument("--confirm", action="store_true", help="on seeds that no verdict was taken from")
    parser.add_argument("--jobs", type=int, default=2, help="seeds measured side by side, a core each")
    asked = parser.parse_args()
    first = running.CONFIRMATION if asked.confirm else running.FRESH
    if asked.seeds:
        begin = first if asked.first is None else asked.first
        seeds = range(begin, begin + asked.seeds)
        running.run(catalogue.read(tuple(asked.names), asked.family), seeds, asked.jobs)
    entries = catalogue.read()
    proven = catalogue.by_construction()
    missing = catalogue.methods_without_claim(entries, proven | catalogue.MEASURED)
    rows = tell(entries, Book(), first)
    if not asked.confirm:
        PAGE.write_text(table.render(rows, missing, proven, catalogue.MEASURED), encoding="utf-8")
    counts = Counter(str(row.effect.verdict) for row in rows)
    for row in rows:
        print(f"{row.entry.family}/{row.entry.name}: {row.effect.verdict}, {row.effect.value:+.3f}, {row.effect.note}")
    words = ("holds", "reversed", "negligible", "inconclusive")
    print(json.dumps({"claims": len(rows), **{word: counts[word] for word in words}, "missing": len(missing)}))


if __name__ == "__main__":
    main()
