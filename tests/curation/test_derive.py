from rlhf_pipeline.curation import derive
from rlhf_pipeline.curation.split import with_groups
from rlhf_pipeline.records import assistant, user


def test_demonstrations_are_the_chosen_sides_each_once(pair):
    rows = [pair("a"), pair("b", annotator="x"), pair("c", chosen="hi")]
    assert derive.demonstrations(rows) == [
        {"prompt": user("say hello"), "completion": assistant("hello there")},
        {"prompt": user("say hello"), "completion": assistant("hi")},
    ]


def test_prompts_are_unique_and_keep_their_ids(pair):
    found = derive.prompts([pair("a"), pair("b"), pair("c", prompt="say bye")])
    assert [row["prompt"] for row in found] == [user("say hello"), user("say bye")]
    assert found[1] == derive.prompts([pair("z", prompt="say bye")])[0]


def near_prompts(pair):
    return with_groups(
        [
            pair("a", prompt="tell me how to bake an apple pie", chosen="peel the apples"),
            pair("b", prompt="tell me how to bake a cherry pie", chosen="stone the cherries"),
            pair("c", prompt="which planets have rings around them", chosen="saturn"),
        ],
        "prompt",
    )


def test_contrast_items_pair_near_prompts_with_their_own_replies(pair):
    [item] = derive.contrast(near_prompts(pair))
    assert (item["id"], item["slice"]) == ("a~b", "mined")
    assert item["prompt"][0]["content"].endswith("apple pie")
    assert item["completion"] == assistant("peel the apples")
    assert item["other_prompt"][0]["content"].endswith("cherry pie")
    assert item["other_completion"] == assistant("stone the cherries")


def test_contrast_takes_no_two_prompts_of_one_group_and_no_equal_replies(pair):
    rows = near_prompts(pair)
    assert derive.contrast([row | {"group": "one"} for row in rows]) == []
    assert derive.contrast([row | {"chosen": assistant("same")} for row in rows]) == []


def test_contrast_of_too_few_or_too_short_prompts_is_empty(pair):
    assert derive.contrast([]) == []
    assert derive.contrast(with_groups([pair("a", prompt="why"), pair("b", prompt="why not")], "prompt")) == []


def test_contrast_searches_a_sample_of_many_prompts_that_new_rows_hardly_change(pairs, monkeypatch):
    rows = with_groups(pairs(400), "prompt")
    monkeypatch.setattr(derive, "MIN_SIMILARITY", 0.01)

    def searched(rows):
        return {part for item in derive.contrast(rows) for part in (item["prompt"][0]["content"],)}

    everything = searched(rows)
    monkeypatch.setattr(derive, "MAX_SEARCHED", 40)
    sample, shorter = searched(rows), searched(rows[:-20])
    assert 20 < len(sample) <= 40 < len(everything)
    assert len(sample & shorter) >= 0.7 * len(sample)
