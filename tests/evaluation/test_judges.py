from rlhf_pipeline.evaluation.judges import Judges, Panel
from rlhf_pipeline.records import user

PROMPTS = [user("a"), user("polite")]


def test_every_judge_rates_and_gold_is_absolute(word_counter, word_gold):
    panel = Panel(Judges(word_counter, {"evaluator": word_counter}, word_gold), PROMPTS, [["one"], ["one two"]])
    ratings = panel.rate([1, 0], ["please now ok", "one"])
    assert {name: reward.tolist() for name, reward in ratings.rewards().items()} == {
        "proxy": [1.0, 0.0], "evaluator": [1.0, 0.0], "gold": [3.0, 1.0],
    }  # fmt: skip
    assert ratings.attributes == [{"length": 0.6, "polite": 1.0}, {"length": 0.2}]


def test_references_are_rated_as_anything_else_is(word_counter, word_gold):
    panel = Panel(Judges(word_counter, {"e": word_counter}, word_gold), PROMPTS, [["one", "please do"], ["one two"]])
    own, again = panel.rate_references(), panel.rate([0, 0, 1], ["one", "please do", "one two"])
    assert {n: r.tolist() for n, r in own.rewards().items()} == {n: r.tolist() for n, r in again.rewards().items()}
    assert own.attributes == again.attributes


def test_a_judge_that_is_not_there_says_nothing(word_counter):
    ratings = Panel(Judges(word_counter, {}, None), PROMPTS, [["one"], ["one"]]).rate([0], ["one"])
    assert list(ratings.rewards()) == ["proxy"]
    assert ratings.evaluator is None
    assert not ratings.attributes
