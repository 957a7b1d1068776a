import json
import time

import pytest

from benchmarks import mixed, rewards, scoring_speed, training_speed
from benchmarks.claims.lab import Lab
from benchmarks.claims.sizes import TOY
from benchmarks.scoring_speed import Clocked, compare
from rlhf_pipeline.records import write_rows


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    return Lab(0, TOY, tmp_path_factory.mktemp("claims"))


@pytest.fixture(scope="module")
def trunk(tiny_trunk, tmp_path_factory):
    """Return an untrained trunk that reads long conversations."""
    return mixed.lengthen(tiny_trunk, tmp_path_factory.mktemp("mixed") / "trunk")


def test_one_text_in_ten_is_three_to_eight_times_longer(lab):
    pairs = mixed.pairs(lab, "train", 100)
    turns = [len(row["prompt"]) for row in pairs]
    assert {(count - 1) / 2 + 1 for count in turns} <= {1, 3, 4, 5, 6, 7, 8}
    assert 3 <= sum(count > 1 for count in turns) <= 20
    assert pairs == mixed.pairs(lab, "train", 100)


def test_texts_are_both_sides_and_begin_anew_where_the_world_ends(lab):
    texts = mixed.texts(lab, 300)
    assert len(texts) == 300
    assert texts[0] == texts[240]  # 120 pairs
    assert texts[0][:-1] == texts[120][:-1]


def test_both_ways_score_the_same(lab, trunk):
    found = rewards.measure_scoring(lab, trunk, num_texts=60, rounds=1)
    assert found["is_equal"]
    assert found["lengths"]["num"] == 60
    assert found["independent"]["ratio"] > 0
    assert set(found["seconds"]) == {"plain_1", "plain_2", "independent", "heads"}


def test_growth_and_memory_are_measured(lab, trunk):
    member = rewards.reward_model(trunk, 0)
    found = scoring_speed.measure_growth(member, lambda count: mixed.texts(lab, count), [40, 80])
    assert len(found["cpu_seconds"]) == len(found["peak_mb"]) == 2
    assert -1 < found["exponent"] < 3


def test_every_way_of_training_reaches_an_accuracy(lab, trunk, tmp_path):
    pairs, held_out = mixed.pairs(lab, "train", 64), mixed.pairs(lab, "train", 20)
    found = training_speed.measure(trunk, pairs, held_out, [0], tmp_path)
    assert {way: len(reached) for way, reached in found["accuracy"].items()} == {"ours": 1, "trl": 1, "trl_tuned": 1}
    ours, tuned = (found["accuracy"][way][0] for way in ("ours", "trl_tuned"))
    assert abs(ours - tuned) < 0.2  # of 20 pairs, after two steps in equal batches
    assert found["tuned"]["ratio"] > 0


def test_members_are_trained_apart_and_together(lab, trunk, tmp_path, monkeypatch):
    asked = []

    def run(command, **_):
        asked.append(command)
        sum(range(10**6))

    monkeypatch.setattr(training_speed.subprocess, "run", run)
    monkeypatch.setattr(training_speed, "processor_seconds", time.process_time)
    found = training_speed.measure_members(trunk, tmp_path / "pairs.jsonl", range(4), tmp_path, rounds=1)
    assert [command[command.index("--members") + 1 : command.index("--trunk")] for command in asked] == [
        ["0"], ["1"], ["2"], ["3"], ["0", "1", "2", "3"],
    ]  # fmt: skip
    assert found["apart_seconds"] > 0


def test_a_process_of_members_saves_each(lab, trunk, tmp_path, monkeypatch):
    pairs = mixed.pairs(lab, "train", 40)  # reads params.yaml, unless another test has just drawn the same world
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(training_speed, "settings", lambda: training_speed.rewards.Params(num_evaluations=0))
    write_rows(tmp_path / "pairs.jsonl", pairs)
    training_speed.train_members(trunk, tmp_path / "pairs.jsonl", [3, 5], tmp_path / "members")
    assert sorted(path.name for path in (tmp_path / "members").iterdir()) == ["3", "5"]


def test_a_ratio_is_the_median_over_rounds():
    plain, ours = ([Clocked(wall, 2 * wall, None) for wall in walls] for walls in ([4, 9, 8], [2, 3, 1]))
    found = compare(plain, ours)
    assert (found["ratio"], found["rounds"], found["cpu_ratio"]) == (3, [2, 3, 8], 3)


def test_the_last_line_names_what_was_missed():
    part = {"ratio": 1.6}
    scoring = {"independent": part, "heads": {"ratio": 5.0}}
    trained = {"training": {"default": part, "tuned": part}, "members": {"ratio": 1.2}}
    line = rewards.summarise(scoring, {"exponent": 1.0, "peak_mb": [3.0]}, trained)
    assert line["missed"] == ["scoring_independent_ratio", "members_training_ratio"]
    assert json.loads(json.dumps(line))["scoring_peak_mb_by_size"] == [3.0]
