"""Tests of annotators whose labels go against the ensemble."""

from dataclasses import replace

import pytest

AGAINST = "annotators_against/ensemble"


def labelled(inputs, names, turned=()):
    """Return the inputs with every pair voted on by all annotators; some turn every vote round."""

    def row(pair, number):
        votes = [{"annotator": n, "vote": "rejected" if n in turned else "chosen"} for n in names]
        return {**pair, "group": str(number), "votes": votes}

    return replace(inputs, test=[row(pair, number) for number, pair in enumerate(inputs.test)])


def run(run_audit, inputs, member="perfect"):
    found = run_audit(inputs, [member], checks=["annotators"])
    return found, {row["annotator"]: row for row in found.results["annotators"].rows}


def test_annotators_who_label_as_the_ensemble_orders_are_not_against_it(inputs, run_audit):
    found, rows = run(run_audit, labelled(inputs, ["ann", "bob"]))
    assert found.value(AGAINST) == 0
    assert rows["ann"]["agreement"] == 1
    assert found.results["annotators"].worst == []


def test_an_annotator_who_turns_every_label_round_is_named_with_the_pairs_that_show_it(inputs, run_audit):
    found, rows = run(run_audit, labelled(inputs, ["ann", "bob", "eve"], turned=["eve"]))
    interval = found.results["annotators"].findings[0].interval
    assert (interval.value, interval.low, interval.high, interval.note) == (1, 1, 1, "eve")
    assert rows["eve"]["agreement"] == 0
    assert all(item["slice"] == "eve" for item in found.results["annotators"].worst)


def test_noise_alone_accuses_nobody(inputs, run_audit):
    # Twenty annotators under a reward that knows nothing: one set of pairs in 20 may accuse; this one does not.
    noisy = replace(inputs, test=[{**pair, "annotator": f"a{n % 20}"} for n, pair in enumerate(inputs.test)])
    found, rows = run(run_audit, noisy, "prompt_ignoring")
    assert len(rows) == 20
    assert found.value(AGAINST) == 0


def test_votes_on_one_prompt_count_once(inputs, run_audit):
    rows = [{**pair, "group": "one prompt", "annotator": "eve"} for pair in inputs.test]
    turned = [{**row, "chosen": row["rejected"], "rejected": row["chosen"]} for row in rows]
    found, told = run(run_audit, replace(inputs, test=turned))
    assert told["eve"]["prompts"] == 1
    assert told["eve"]["chance"] == pytest.approx(0.5)
    assert found.value(AGAINST) == 0


def test_ties_say_nothing_and_without_names_there_is_nothing_to_measure(inputs, run_audit):
    tied = [{**pair, "votes": [{"annotator": "ann", "vote": "tie"}]} for pair in inputs.test]
    for test in (tied, inputs.test):
        found, _ = run(run_audit, replace(inputs, test=test))
        assert found.value(AGAINST) is None
        assert "no annotator" in found.results["annotators"].findings[0].interval.note
