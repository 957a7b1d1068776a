from functools import cache

import pytest

from benchmarks import clean
from rlhf_pipeline.curation.findings.finding import LEVEL

ROUNDS = 2  # of 11 shapes
STATEMENTS = {"few_pairs", "set_aside", "reused_prompts", "split_votes"}


@cache
def found(shape):
    return [clean.check(shape, seed) for seed in range(ROUNDS)]


@pytest.mark.parametrize("shape", clean.SHAPES)
def test_data_without_a_fault_gives_statements_of_fact_alone(shape):
    counts = {finding.name for findings in found(shape) for finding in findings if finding.chance is None}
    assert "few_pairs" in counts
    assert counts <= STATEMENTS


def test_at_most_one_in_twenty_sets_without_a_fault_raises_an_alarm():
    alarms = {
        (shape, seed): [f"{finding.name} {finding.value}" for finding in findings if finding.chance is not None]
        for shape in clean.SHAPES
        for seed, findings in enumerate(found(shape))
    }
    told = {where: names for where, names in alarms.items() if names}
    assert len(alarms) >= 20
    assert len(told) <= LEVEL * len(alarms), told


def test_the_measurement_tells_estimates_from_counts(monkeypatch):
    monkeypatch.setattr(clean, "SHAPES", {"pairs of 200": clean.plain(200)})
    told = clean.measure(rounds=2)
    assert told == {"pairs of 200": {"few_pairs": 2, "alarmed": 0}}


def test_a_fault_planted_in_the_same_shapes_raises_the_alarm(monkeypatch):
    def longer_wins(rng):
        rows = clean.plain(200)(rng)["plain"]
        sides = [sorted((row["chosen"], row["rejected"]), key=lambda x: -len(x[0]["content"])) for row in rows]
        return {"plain": [row | {"chosen": a, "rejected": b} for row, (a, b) in zip(rows, sides, strict=True)]}

    monkeypatch.setattr(clean, "SHAPES", {"planted": longer_wins})
    assert clean.measure(rounds=1)["planted"]["estimate: length_alone"] == 1
