"""Tests of which labels pupils are taught by; that both arms measure stands in test_parts."""

from pathlib import Path

import pytest
import torch

from benchmarks.claims.lab import Lab
from benchmarks.claims.parts import members, pupils, samples, worlds
from benchmarks.claims.sizes import TOY


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    return Lab(7, TOY, tmp_path_factory.mktemp("parts"))


def test_the_pool_holds_no_pair_that_is_labelled_already_and_none_that_gold_judges_on(lab):
    first = {row["id"] for row in worlds.pairs(lab, "train")[: pupils.num_labelled(lab)]}
    asked = pupils.pool(lab)
    assert (len(first), len(asked)) == (10, 60)
    assert not first & {row["id"] for row in asked}
    assert not {row["group"] for row in asked} & {row["group"] for row in worlds.pairs(lab, "evaluator")}


def test_the_pairs_on_which_members_differ_are_chosen(lab, monkeypatch):
    rows, planted = pupils.pool(lab), [3, 17, 41]

    def score(lab: Lab, member: Path, name: str, sides: list) -> torch.Tensor:
        rewards = torch.zeros(len(sides))
        rewards[: len(rows)] = 0.5
        rewards[planted] = 3.0 if member.name in "ab" else -3.0
        return rewards

    monkeypatch.setattr(members, "member", lambda lab, name, trunk, num_pairs: Path(name))
    monkeypatch.setattr(samples, "score", score)
    assert {row["id"] for row in pupils.chosen(lab, 3)} == {rows[place]["id"] for place in planted}
    assert len(pupils.chosen(lab, 10)) == len(pupils.random(lab, 10)) == 10
