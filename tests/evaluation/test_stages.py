from pathlib import Path

import pytest

from rlhf_pipeline.evaluation.stages import layers, needed_edges, present, read_families

GRAPH = """
stages:
  judge: {cmd: x, deps: [data/train/a/model, data/raw.txt], outs: [data/judge.json]}
  train:
    foreach: ${models}
    do: {cmd: x, desc: "Train ${key}", deps: [data/raw.txt, "${item.base}"], outs: ["data/train/${key}"]}
  read: {cmd: x, outs: [{data/raw.txt: {cache: false}}]}
  gate:
    foreach: [judge]
    do: {cmd: x, deps: ["data/${item}.json"], outs: ["data/gate/${item}.json"]}
"""


@pytest.fixture
def root(tmp_path):
    (tmp_path / "dvc.yaml").write_text(GRAPH)
    (tmp_path / "params.yaml").write_text("models: {a: {base: x}, b: {base: y}}")
    (tmp_path / "data/train").mkdir(parents=True)
    return tmp_path


def write(root: Path, *paths: str) -> None:
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text("")


def test_families_follow_what_they_wait_for(root):
    families = read_families(root)
    assert [f.name for f in families] == ["read", "train", "judge", "gate@judge"]
    assert families[1].num_stages == 2
    assert families[1].outs == ("data/train/a", "data/train/b")
    assert layers(families) == [["read"], ["train"], ["judge"], ["gate@judge"]]


def test_only_edges_that_no_longer_path_implies_are_drawn(root):
    families = read_families(root)
    assert families[2].upstream == ("train", "read")
    assert needed_edges(families) == [("read", "train"), ("train", "judge"), ("judge", "gate@judge")]


def test_what_is_left_of_an_older_night_does_not_count(root):
    write(root, "data/raw.txt", "data/train/a", "data/judge.json", "data/gate/judge.json")
    assert present(root, read_families(root)) == {"read"}
    write(root, "data/train/b")
    assert present(root, read_families(root)) == {"read", "train", "judge", "gate@judge"}
    assert present(root, read_families(root), frozenset({"judge"})) == {"read", "train"}
