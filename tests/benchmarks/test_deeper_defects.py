"""Tests of defects of data and of checkpoints: what is planted is what its name says."""

import dataclasses

import pytest

from benchmarks import deeper_defects
from benchmarks.claims.lab import Lab
from benchmarks.claims.parts import audits, worlds
from benchmarks.claims.sizes import TOY
from benchmarks.deeper_defects import LEAKS, exchange, try_leak, turn
from benchmarks.defects import Case
from rlhf_pipeline.params import load_params
from rlhf_pipeline.records import assistant, text
from rlhf_pipeline.validation.checks.annotators import votes


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    return Lab(5, TOY, tmp_path_factory.mktemp("claims"))


def row(*cast):
    told = [{"annotator": name, "vote": vote} for name, vote in cast]
    return {"id": "a", "prompt": [], "chosen": assistant("good"), "rejected": assistant("bad"), "votes": told}


def test_a_turned_vote_that_is_outvoted_leaves_the_label():
    turned = turn(row(("ann", "chosen"), ("bob", "chosen"), ("eve", "chosen")), {"eve"})
    assert text(turned["chosen"]) == "good"
    assert list(votes(turned)) == [("ann", "chosen"), ("bob", "chosen"), ("eve", "rejected")]


def test_a_turned_majority_turns_the_label_and_tells_every_vote_of_the_new_sides():
    turned = turn(row(("ann", "chosen"), ("eve", "chosen"), ("bob", "tie"), ("mal", "rejected")), {"ann", "eve"})
    assert text(turned["chosen"]) == "bad"
    assert list(votes(turned)) == [("ann", "chosen"), ("eve", "chosen"), ("mal", "chosen")]


@pytest.mark.parametrize("number", [0, 1])
def test_poisoned_annotators_are_named_under_gold_by_the_audit_of_their_votes(lab, number):
    from benchmarks.claims.parts.audits import of_subject

    world, planned = worlds.world(lab), audits.plan(lab, ["accuracy", "annotators"], {})

    def gold(asked):
        import torch

        rewards = [world.gold(text(said[:-1]), said[-1]["content"]).total for said in asked]
        return torch.tensor([rewards])

    raw = gold(planned.table.conversations)
    case = Case(planned, raw, raw, gold, number, seed=number)
    subject = deeper_defects.OF_MODELS["poisoned annotator"].plant(lab, case)
    assert (subject.raw == gold(subject.planned.table.conversations)).all()
    section = load_params().validation
    against = "annotators_against/ensemble"
    before, after = (
        {f.metric: f.interval.value for r in of_subject(*both, ["gold"], section, 0).values() for f in r.findings}[
            against
        ]
        for both in ((planned, deeper_defects.Subject(raw)), (subject.planned, subject))
    )
    assert before == 0
    assert 1 <= after <= 1 + 2 * number


def test_ids_of_words_are_exchanged_and_those_of_special_tokens_stay():
    words = {"<pad>": 0, **{f"w{n}": n for n in range(1, 11)}}
    told = {"added_tokens": [{"content": "<pad>"}], "model": {"vocab": dict(words)}}
    exchange(told, 1.0, seed=0)
    after = told["model"]["vocab"]
    assert after["<pad>"] == 0
    assert sorted(after.values()) == sorted(words.values())
    assert all(after[word] != words[word] for word in words if word != "<pad>")
    few = {"added_tokens": [{"content": "<pad>"}], "model": {"vocab": dict(words)}}
    exchange(few, 0.3, seed=0)
    assert sum(few["model"]["vocab"][word] != words[word] for word in words) == 3


@pytest.mark.parametrize("number", range(len(LEAKS)))
def test_a_leak_is_refused_or_taken_out(lab, number):
    assert try_leak(lab, number, load_params().curation.model_copy(update={"bounds": BOUNDS}))["refused"]


BOUNDS = {name: bound for name, bound in load_params().curation.bounds.items() if not name.startswith("rows/")}


def test_sound_data_are_not_refused_for_a_leak(lab):
    section = load_params().curation.model_copy(update={"bounds": BOUNDS})
    raw = dataclasses.replace(worlds.draw(lab))
    curated = deeper_defects.curate(raw, section, lab.seed)
    assert deeper_defects.judge_contract(curated, section.bounds, lab.seed).verdict.admitted
