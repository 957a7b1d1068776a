import json
import random

import pytest

from rlhf_pipeline import recorded
from rlhf_pipeline.models import CheckpointError
from rlhf_pipeline.records import assistant, read_json, read_rows, user, write_json, write_rows
from rlhf_pipeline.validation import auditing, scorers
from rlhf_pipeline.verdicts import read_verdict

COLOURS = ["red", "blue", "green", "grey", "black", "white"]


@pytest.fixture
def pairs(tmp_path):
    """Write pairs of one's own, plain text: the colour asked for is better than another."""
    rng = random.Random(0)
    rows = []
    for number in range(240):
        colour, other = rng.sample(COLOURS, 2)
        prompt = f"item {number // 2} and {number % 7} : please do paint the old wall {colour}"
        rows.append(
            {"prompt": prompt, "chosen": f"now it is {colour} .", "rejected": f"now it is {other} , all of it ."}
        )
    write_rows(tmp_path / "pairs.jsonl", rows)
    return tmp_path / "pairs.jsonl"


def write_scores(tmp_path, pairs, name, score):
    """Score the texts that an audit asks for, as a user with a model of their own would."""
    auditing.main(["--pairs", str(pairs), "--texts", str(tmp_path / "texts.jsonl")])
    texts = read_rows(tmp_path / "texts.jsonl")
    scored = [{"id": t["id"], "score": score(*(m["content"] for m in t["messages"]))} for t in texts]
    write_rows(tmp_path / name, scored)
    return str(tmp_path / name)


def sound(prompt, completion):
    words = completion.split()
    return (
        (prompt.split()[-1] in words) - 0.5 * (len(words) - len(set(words))) + (words[-1:] == ["."]) + len(prompt) / 99
    )


def judge(tmp_path, scores, pairs):
    """Audit by the bounds that stand in the folder."""
    asked = ["--pairs", str(pairs), "--bounds", str(tmp_path / "bounds.yaml"), "--out", str(tmp_path)]
    auditing.main([scores, *asked])


def test_a_sound_reward_is_admitted_and_a_page_written(tmp_path, pairs, capsys):
    scores = write_scores(tmp_path, pairs, "sound.jsonl", sound)
    auditing.main([scores, "--pairs", str(pairs), "--out", str(tmp_path / "out")])
    assert read_verdict(tmp_path / "out/verdict.json").admitted
    assert "Admitted" in (tmp_path / "out/report.html").read_text()
    assert {m["name"] for m in read_json(tmp_path / "out/audit.json")["members"]} == {"sound"}
    assert "passed: accuracy/ensemble 1" in capsys.readouterr().out


def test_a_reward_that_does_not_read_the_prompt_is_refused_with_3(tmp_path, pairs, capsys):
    scores = write_scores(tmp_path, pairs, "short.jsonl", lambda prompt, completion: -float(len(completion)))
    with pytest.raises(SystemExit) as ended:
        auditing.main([scores, "--pairs", str(pairs), "--out", str(tmp_path / "out")])
    assert ended.value.code == 3
    assert "refused: degenerate_low/ensemble" in capsys.readouterr().out
    assert "Refused" in (tmp_path / "out/report.html").read_text()


def test_bounds_of_ones_own_take_the_place_of_the_defaults(tmp_path, pairs):
    scores = write_scores(tmp_path, pairs, "sound.jsonl", sound)
    (tmp_path / "bounds.yaml").write_text("accuracy/ensemble: {at_most: 0.9}\n")
    with pytest.raises(SystemExit) as ended:
        auditing.main(
            [scores, "--pairs", str(pairs), "--bounds", str(tmp_path / "bounds.yaml"), "--out", str(tmp_path)]
        )
    assert ended.value.code == 3
    assert [check.name for check in read_verdict(tmp_path / "verdict.json").checks] == ["accuracy/ensemble"]


@pytest.mark.parametrize(
    ("bounds", "told"),
    [
        ("acuracy/ensemble: {at_least: 0.5}", "no check measures 'acuracy/ensemble'.*accuracy/ensemble"),
        ("accuracy/ensemble: {above: 0.5}", "bounds.yaml: accuracy/ensemble: .*write {at_least: NUMBER}"),
        ("- accuracy", "no bounds; a line is METRIC"),
    ],
)
def test_bounds_that_mean_nothing_are_refused(tmp_path, pairs, bounds, told):
    scores = write_scores(tmp_path, pairs, "sound.jsonl", sound)
    (tmp_path / "bounds.yaml").write_text(bounds)
    with pytest.raises(ValueError, match=told):
        auditing.main(
            [scores, "--pairs", str(pairs), "--bounds", str(tmp_path / "bounds.yaml"), "--out", str(tmp_path)]
        )


def test_a_real_reward_model_is_audited_twice_and_scored_once(tmp_path, pairs, tiny_reward_model, monkeypatch):
    tiny_reward_model(tmp_path / "model", seed=1)
    (tmp_path / "bounds.yaml").write_text("accuracy/ensemble: {at_least: 0}\n")
    asked = [str(tmp_path / "model"), "--pairs", str(pairs), "--out", str(tmp_path / "out")]
    asked += ["--bounds", str(tmp_path / "bounds.yaml")]
    auditing.main(asked)
    first = (tmp_path / "out/audit.json").read_bytes()
    monkeypatch.setattr(scorers, "score_with", None)
    auditing.main(asked)
    assert (tmp_path / "out/audit.json").read_bytes() == first


def test_a_model_that_no_longer_says_what_was_recorded_is_not_audited(tmp_path, pairs, tiny_reward_model):
    tiny_reward_model(tmp_path / "model", seed=1)
    said = [user("say a") + assistant("b c"), user("say b") + assistant("a")]
    write_json(tmp_path / "model" / recorded.FILE, {"conversations": said, "rewards": [[5.0, -5.0]]})
    with pytest.raises(CheckpointError, match="'model' gives other rewards"):
        auditing.main([str(tmp_path / "model"), "--pairs", str(pairs), "--out", str(tmp_path / "out")])


def test_pairs_that_cannot_be_used_are_left_out_and_told(tmp_path, pairs, capsys):
    spoiled = [{"prompt": "a b c", "chosen": "same", "rejected": "same"}, {"prompt": "a", "chosen": 3, "rejected": "x"}]
    with open(pairs, "a") as lines:
        lines.writelines(json.dumps(row) + "\n" for row in spoiled)
    scores = write_scores(tmp_path, pairs, "sound.jsonl", sound)
    auditing.main([scores, "--pairs", str(pairs), "--out", str(tmp_path / "out")])
    notes = read_json(tmp_path / "out/audit.json")["notes"]
    assert sum(int(note.split()[0]) for note in notes) == 2


def test_too_few_pairs_are_refused(tmp_path):
    write_rows(tmp_path / "few.jsonl", [{"prompt": "a", "chosen": "b", "rejected": "c"}])
    with pytest.raises(ValueError, match="1 usable pairs are too few"):
        auditing.main(["--pairs", str(tmp_path / "few.jsonl"), "--texts", str(tmp_path / "texts.jsonl")])


def test_a_benchmark_is_asked_beside_pairs_or_without_them(tmp_path, tiny_reward_model, capsys):
    tiny_reward_model(tmp_path / "model", seed=1)
    rows = [
        {"prompt": f"ask {n}", "chosen": f"good {n}", "rejected": f"bad {n}", "subset": "alpacaeval-easy", "id": n}
        for n in range(20)
    ]
    write_rows(tmp_path / "bench/filtered.jsonl", rows)
    auditing.main([str(tmp_path / "model"), "--suite", f"reward_bench={tmp_path / 'bench'}", "--out", str(tmp_path)])
    assert "reward_bench/overall" in capsys.readouterr().out
    assert read_json(tmp_path / "audit.json")["benchmarks"]["reward_bench"]["num_items"] == 20


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        (["x.jsonl"], "nothing to ask: name pairs"),
        (["x.jsonl", "--suite", "reward_bench"], "write reward_bench=DIR"),
        (["x.jsonl", "--suite", "rewardbench=x"], "unknown method 'rewardbench'.*reward_bench"),
        (["--pairs", "x.jsonl"], "name a reward model, or write the texts"),
    ],
)
def test_an_audit_of_nothing_says_what_to_name(asked, told):
    with pytest.raises(ValueError, match=told):
        auditing.main(asked)
