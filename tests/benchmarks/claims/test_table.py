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
    page = render(rows, ["policy/algorithms/ppo"], {"validation/aggregators/mean": "the formula"})
    line = next(line for line in page.splitlines() if line.startswith("| `real`"))
    assert "+1.000 (+1.000 to +1.000)" in line
    assert "| holds |" in line
    assert rows[0].commit[:7] in line
    assert "- `policy/algorithms/ppo`" in page
    assert "- `validation/aggregators/mean`: the formula" in page


def test_a_claim_that_was_never_measured_is_missing(entries, place):
    page = render(tell(list(entries.values()), Book(place.book)), [], {})
    assert "| `nothing` | `validation/aggregators/mean` | none | nothing | noise | - | 0.1 | 0 | missing" in page
