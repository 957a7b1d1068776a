import pytest

from rlhf_pipeline.curation.curate import check_total, curate
from rlhf_pipeline.curation.sources import Raw
from rlhf_pipeline.params import Curation, Split
from rlhf_pipeline.records import assistant, user

FILTERS = ["usable", "length", "exact_duplicates", "near_duplicates", "contradictions"]


@pytest.fixture
def params():
    def build(**changes):
        split = Split(validation=0.1, test=0.1, evaluator=0.1)
        return Curation(**{"source": "pairs", "input": "", "text": "", "filters": FILTERS, "split": split} | changes)

    return build


def prompts_of(rows):
    return {row["prompt"][0]["content"] for row in rows}


def test_kept_and_dropped_are_what_was_read(pairs, pair, params):
    planted = [pair("empty", chosen=""), pair("copy1"), pair("copy2"), pair("copy3")]
    raw = Raw([*pairs(300), *planted], unreadable=[({"id": "torn"}, "not JSON")])
    curated = curate(raw, params(), seed=0)
    assert curated.num_read == 305 == curated.num_kept + len(curated.dropped)
    drops = curated.drops()
    assert (drops["source"], drops["usable"], drops["exact_duplicates"]) == (1, 1, 2)
    assert {row["id"] for row in curated.dropped} >= {"torn", "empty", "copy2", "copy3"}


def test_what_a_source_left_empty_is_derived_from_train_alone(pairs, params):
    tables = curate(Raw(pairs(300)), params(), seed=0).tables
    train = prompts_of(tables["train"])
    assert prompts_of(tables["demonstrations"]) == prompts_of(tables["policy_prompts"]) == train
    assert tables["evaluation_prompts"]
    pairs_kept = [row for name in ("train", "validation", "test", "evaluator") for row in tables[name]]
    assert not prompts_of(tables["evaluation_prompts"]) & prompts_of(pairs_kept)


def test_what_a_source_gives_is_taken_as_it_is(pairs, params):
    words = [{"prompt": user("go on"), "completion": assistant("once upon a time")}]
    given = {"demonstrations": words, "policy_prompts": [{"id": "p", "prompt": user("tune me")}]}
    given |= {"evaluation_prompts": [{"id": "e", "prompt": user("judge me")}], "single_edits": [{"id": "s"}]}
    given |= {"contrast": [{"id": "c"}]}
    curated = curate(Raw(pairs(100), gold={"source": "world"}, texts=words, **given), params(), seed=0)
    assert {name: curated.tables[name] for name in given} == given | {"demonstrations": words * 2}
    assert curated.gold == {"source": "world"}
    assert curated.drops()["held_out"] == 0


def test_evaluation_prompts_are_in_no_pairs_demonstrations_or_policy_prompts(pairs, pair, params):
    secret = user("the secret question")
    splits = ("train", "validation", "test", "evaluator")
    planted = [pair(name, "the secret question", chosen=f"to {name}", group=name, split=name) for name in splits]
    raw = Raw([*pairs(100), *planted], evaluation_prompts=[{"id": "e", "prompt": secret}])
    raw.policy_prompts = [{"id": "p1", "prompt": secret}, {"id": "p2", "prompt": user("tune me")}]
    raw.demonstrations = [{"prompt": secret, "completion": assistant("answer")}]
    curated = curate(raw, params(), seed=0)
    assert curated.drops()["decontamination"] == 4
    assert [row["id"] for row in curated.tables["policy_prompts"]] == ["p2"]
    assert curated.tables["demonstrations"] == []
    assert [row["id"] for row in curated.dropped_others] == ["demonstrations-1", "p1"]


def test_a_test_pair_that_is_trained_on_under_another_prompt_leaves_training(pairs, pair, params):
    sides = {"chosen": "we ask you to mend the tram", "rejected": "the tram is loud and I am tired"}
    prompts = {"train": "write to the mayor please", "evaluator": "a letter to the mayor", "test": "write to the mayor"}
    planted = [pair(name, prompt, **sides, group=name, split=name) for name, prompt in prompts.items()]
    curated = curate(Raw([*pairs(100), *planted]), params(), seed=0)
    seen = [(row["id"], row["reason"]) for row in curated.dropped if row["filter"] == "decontamination"]
    assert seen == [(name, "both sides stand in a held-out pair: test") for name in ("train", "evaluator")]
    assert "test" in {row["id"] for row in curated.tables["test"]}


def test_the_same_seed_gives_the_same_tables(pairs, params):
    assert curate(Raw(pairs(200)), params(), 3).tables == curate(Raw(pairs(200)), params(), 3).tables


def test_books_that_do_not_balance_are_refused(pairs, params):
    curated = curate(Raw(pairs(100)), params(), seed=0)
    curated.tables["train"].pop()
    with pytest.raises(RuntimeError, match="!= 100 read"):
        check_total(curated)


def test_a_misspelt_filter_is_refused_with_a_near_name(pairs, params):
    with pytest.raises(ValueError, match="Did you mean usable"):
        params(filters=["usabel"])


def test_a_setting_reaches_its_filter(pairs, params):
    strict = params(filter_settings={"length": {"min_words": 10}})
    assert curate(Raw(pairs(100)), strict, seed=0).drops()["length"] > 0
