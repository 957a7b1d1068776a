"""Tests of the page: a row per claim."""

from benchmarks.claims import running
from benchmarks.claims.__main__ import tell
from benchmarks.claims.book import Book
from benchmarks.claims.sizes import TOY
from benchmarks.claims.table import render


def test_the_page_tells_effect_interval_verdict_and_commit(entries, place):
    chosen = list(entries.values())
    running.run(chosen, range(running.FRESH, running.FRESH + 8), size=TOY, place=place)
    rows = tell(chosen, Book(place.book))
    page = render(rows, ["policy/algorithms/ppo"], {"validation/aggregators/mean": "the formula"}, {"m": "p.md"})
    line = next(line for line in page.splitlines() if line.startswith("| `real`"))
    assert "+1.000 (+1.000 to +1.000)" in line
    assert "| holds |" in line
    assert rows[0].commit[:7] in line
    assert "- `policy/algorithms/ppo`" in page
    assert "- `validation/aggregators/mean`: the formula" in page
    assert "- `m`: p.md" in page


def test_a_claim_that_was_never_measured_is_missing(entries, place):
    page = render(tell(list(entries.values()), Book(place.book)), [], {}, {})
    assert "| `nothing` | `validation/aggregators/mean` | none | nothing | noise | - | 0.1 | 0 | missing" in page


def test_a_claim_whose_files_changed_keeps_its_number_and_says_so_until_it_is_measured_again(entries, place):
    seeds = range(running.FRESH, running.FRESH + 8)
    running.run(list(entries.values()), seeds, size=TOY, place=place)
    place.book.write_text(place.book.read_text().replace(entries["real"].key, "older"))
    row = next(row for row in tell(list(entries.values()), Book(place.book)) if row.entry.name == "real")
    assert (row.effect.verdict, row.effect.note) == ("holds", "measured before its files changed")
    running.run(list(entries.values()), seeds, size=TOY, place=place)
    again = next(row for row in tell(list(entries.values()), Book(place.book)) if row.entry.name == "real")
    assert again.effect.note == ""
    assert again.effect.value == row.effect.value
