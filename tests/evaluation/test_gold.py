from rlhf_pipeline.evaluation.gold import load_gold
from rlhf_pipeline.records import assistant, user, write_json


def test_real_preferences_have_no_gold(tmp_path):
    write_json(tmp_path / "gold.json", {"source": None})
    assert load_gold(tmp_path / "gold.json") is None


def test_the_prompt_is_what_the_user_said_last(word_gold):
    talk = user("hello") + assistant("yes ?") + user("be polite")
    assert word_gold.score(talk, "one two") == 2.0
    assert word_gold.attributes(talk, "please do") == {"length": 0.4, "polite": 1.0}
    assert word_gold.best(talk) == 5.0
