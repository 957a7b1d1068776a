import json

import pytest

from benchmarks import curation, planted

KEYS = ("exponent", "peak_gb", "rows_per_second", "dedup_ratio")


@pytest.fixture(scope="module")
def result():
    return curation.measure(1000, seed=0)


def test_every_filter_finds_what_was_planted_for_it_and_no_more(result):
    counts = {name: (found["found"], found["planted"]) for name, found in result["filters"].items()}
    assert counts == {
        "usable": (5, 5),
        "length": (1, 1),
        "exact_duplicates": (20, 20),
        "near_duplicates": (30, 30),
        "contradictions": (10, 10),
    }


def test_time_and_memory_are_measured(result):
    assert all(found["rows_per_second"] > 0 for found in result["filters"].values())
    assert all(seconds > 0 for seconds in result["whole"].values())
    assert 0.05 < result["peak_gb"] < 4


def test_datasketch_and_the_filter_find_the_same_copies():
    found = curation.measure_dedup(600, rounds=1, seed=1)
    assert found["found_plain"] == found["found_ours"] == found["found_by_both"] == 18
    assert found["ratio"] == pytest.approx(found["plain"] / found["ours"])


def test_rows_are_as_many_as_asked_with_ids_of_their_own_and_equal_for_equal_seeds():
    rows = planted.generate(500, seed=2).rows
    assert len({row["id"] for row in rows}) == 500
    assert rows == planted.generate(500, seed=2).rows != planted.generate(500, seed=3).rows


def measured(rows, seconds):
    filters = {"usable": {"rows_per_second": rows / seconds, "found": 1, "planted": 1, "seconds": seconds}}
    return {
        "rows": rows,
        "filters": filters,
        "whole": {"curate": seconds, "contract": 3 * seconds},
        "peak_gb": rows / 1e3,
    }


def test_the_exponent_is_the_power_by_which_seconds_grow():
    linear = [measured(10**n, 2.0 * 10**n) for n in (1, 2, 3)]
    squared = [measured(10**n, 100.0**n) for n in (1, 2, 3)]
    assert curation.growth(linear) == pytest.approx(1)
    assert curation.growth(squared) == pytest.approx(2)
    assert curation.growth(linear[:1]) is None


def test_the_last_line_is_json_with_what_was_asked_for(monkeypatch, capsys):
    monkeypatch.setattr(curation, "measure_apart", lambda size, seed: measured(size, size / 100))
    curation.main(["--sizes", "1000", "100", "--dedup-rows", "300", "--dedup-rounds", "1"])
    *drawn, last = capsys.readouterr().out.splitlines()
    found = json.loads(last)
    assert set(KEYS) <= found.keys()
    assert (found["exponent"], found["peak_gb"], found["sizes"]) == (pytest.approx(1), 1.0, [100, 1000])
    assert found["rows_per_second"] == {"usable": 100, "curate": 100, "contract": 33}
    assert ["usable", "100", "100", "1", "/", "1"] in [line.split() for line in drawn]


def test_a_size_is_measured_in_a_process_of_its_own(result):
    apart = curation.measure_apart(1000, seed=0)
    assert apart["filters"]["near_duplicates"]["found"] == result["filters"]["near_duplicates"]["found"]
    assert 0.05 < apart["peak_gb"] < 4
