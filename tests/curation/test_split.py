import pytest

from rlhf_pipeline.curation.split import HELD_OUT, split_rows, with_groups

SHARES = {"validation": 0.1, "test": 0.1, "evaluator": 0.15, "evaluation_prompts": 0.05}


@pytest.fixture
def rows(pairs):
    return with_groups(pairs(2000), "prompt")


def places(splits):
    return {row["id"]: name for name, rows in splits.items() for row in rows}


def test_no_group_crosses_a_split_and_no_row_is_lost(rows):
    splits = split_rows(rows, SHARES, seed=1)
    groups = [{row["group"] for row in split} for split in splits.values()]
    assert sum(map(len, groups)) == len(set.union(*groups)) == 1000
    assert sum(map(len, splits.values())) == 2000


def test_splits_have_about_their_shares(rows):
    splits = split_rows(rows, SHARES, seed=1)
    shares = {name: len(split) / 2000 for name, split in splits.items()}
    assert shares == pytest.approx({**SHARES, "train": 0.6}, abs=0.04)


def test_the_same_seed_splits_alike_and_another_does_not(rows):
    assert places(split_rows(rows, SHARES, 1)) == places(split_rows(rows[::-1], SHARES, 1))
    assert places(split_rows(rows, SHARES, 1)) != places(split_rows(rows, SHARES, 2))


def test_new_rows_move_no_old_ones(rows):
    before = places(split_rows(rows[:1000], SHARES, 1))
    after = places(split_rows(rows, SHARES, 1))
    assert {id: after[id] for id in before} == before


@pytest.mark.parametrize("seed", range(5))
def test_few_groups_leave_no_split_empty_by_chance(pair, seed):
    rows = with_groups([pair(f"{n}-{k}", topic=f"t{n}") for n in range(12) for k in range(3)], "topic")
    shares = {"validation": 0.17, "test": 0.17, "evaluator": 0.15, "evaluation_prompts": 0.05}
    sizes = {name: len(split) // 3 for name, split in split_rows(rows, shares, seed).items()}
    assert sizes == {"validation": 2, "test": 2, "evaluator": 2, "evaluation_prompts": 1, "train": 5}
    assert places(split_rows(rows, shares, seed)) != places(split_rows(rows, shares, seed + 5))


def test_a_single_group_is_train(pair):
    assert places(split_rows(with_groups([pair("a")], "prompt"), SHARES, 0)) == {"a": "train"}


def test_a_rows_own_split_is_respected_and_its_group_follows(pair):
    rows = with_groups([pair("a"), pair("b", split="test", chosen="hi"), pair("c", prompt="other")], "prompt")
    found = split_rows(rows, {}, seed=0)
    assert places(found) == {"a": "test", "b": "test", "c": "train"}
    assert "split" not in found["test"][1]


def test_a_source_that_gives_evaluator_pairs_gets_no_others(rows):
    own = [rows[0] | {"split": "evaluator"}, rows[1] | {"split": "evaluator"}, *rows[2:]]
    assert [row["id"] for row in split_rows(own, SHARES, 1)["evaluator"]] == ["p0", "p1"]
    assert len(split_rows(own, SHARES, 1)[HELD_OUT]) > 0


def test_an_unknown_split_is_refused_by_name(pair):
    with pytest.raises(ValueError, match="unknown split 'dev'"):
        split_rows(with_groups([pair(split="dev")], "prompt"), SHARES, 0)


def test_the_prompt_is_the_group_unless_the_source_or_a_column_says_otherwise(pair):
    same, other = with_groups([pair("a"), pair("b", chosen="hi")], "prompt"), with_groups([pair(prompt="x")], "prompt")
    assert same[0]["group"] == same[1]["group"] != other[0]["group"]
    assert with_groups([pair(group="mine")], "prompt")[0]["group"] == "mine"
    assert with_groups([pair(topic=7, group="mine")], "topic")[0]["group"] == "7"


def test_a_missing_group_column_is_refused_with_the_row(pair):
    with pytest.raises(ValueError, match="'topic', but row b has no such column"):
        with_groups([pair("a", topic=1), pair("b")], "topic")
