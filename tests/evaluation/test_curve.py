from rlhf_pipeline.evaluation.curve import COLUMNS, distinct_prompts, draw_curve
from rlhf_pipeline.evaluation.judges import Judges, Panel
from rlhf_pipeline.evaluation.numbers import read_numbers
from rlhf_pipeline.records import user, write_csv

ROWS = [
    {"step": 10, "prompt": user("a"), "completion": "one two three", "kl": 2.0},
    {"step": 0, "prompt": user("a"), "completion": "one", "kl": 0.0},
    {"step": 10, "prompt": user("b"), "completion": "one two three four five six seven", "kl": 4.0},
    {"step": 0, "prompt": user("b"), "completion": "one", "kl": 0.0},
]


def draw(judges):
    prompts, index = distinct_prompts(ROWS)
    assert index == [0, 0, 1, 1]
    return draw_curve(ROWS, Panel(judges, prompts, [["one"], ["one"]]).rate(index, [row["completion"] for row in ROWS]))


def test_each_saved_step_is_one_point(word_counter, word_gold):
    points = draw(Judges(word_counter, {"evaluator": word_counter}, word_gold))
    assert [point["step"] for point in points] == [0, 10]
    assert points[0]["proxy_reward"] == 0.0
    # 2 and 6 words above the reference; gold counts at most five words
    assert points[1] | {"disagreement": 0.0} == {
        "step": 10, "kl": 3.0, "proxy_reward": 4.0, "evaluator_reward": 4.0, "gold_reward": 4.0, "disagreement": 0.0,
    }  # fmt: skip


def test_without_gold_its_column_stays_blank(word_counter, tmp_path):
    points = draw(Judges(word_counter, {}, None))
    write_csv(tmp_path / "curve.csv", points, COLUMNS)
    lines = (tmp_path / "curve.csv").read_text().splitlines()
    assert lines[0] == "step,kl,proxy_reward,evaluator_reward,gold_reward,disagreement"
    assert lines[2] == "10,3,4,,,0"
    assert read_numbers(tmp_path / "curve.csv")[1] == {"step": 10, "kl": 3.0, "proxy_reward": 4.0, "disagreement": 0.0}


def test_prompts_are_told_apart_by_who_said_what():
    rows = [{"prompt": user("a")}, {"prompt": [{"role": "system", "content": "a"}]}, {"prompt": user("a")}]
    assert distinct_prompts(rows)[1] == [0, 1, 0]
