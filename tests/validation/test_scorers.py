import json

import pytest
import torch

from rlhf_pipeline.mistakes import Mistake
from rlhf_pipeline.records import assistant, user
from rlhf_pipeline.scoring import TOLERANCE, load_reward_model, score
from rlhf_pipeline.validation import scorers
from rlhf_pipeline.validation.ensemble import Ensemble
from rlhf_pipeline.validation.normalisation import Statistics

ASKED = [user(f"the wall {n}") + assistant(f"is {colour} today") for n, colour in enumerate(["red", "blue", "grey"])]


@pytest.fixture
def model(tiny_reward_model, tmp_path):
    tiny_reward_model(tmp_path / "first", seed=1)
    return tmp_path / "first"


def scores_file(path, values):
    rows = ({"id": scorers.text_id(asked), "score": value} for asked, value in zip(ASKED, values, strict=False))
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_models_and_ready_scores_give_rows_in_the_order_named(model, tmp_path):
    ready = scores_file(tmp_path / "ready.jsonl", [1.0, 2.0, 3.0])
    opened = scorers.open_scorers([str(ready), str(model)])
    raw = scorers.score(opened, ASKED)
    assert list(opened.by_name) == ["ready", "first"]
    assert raw[0].tolist() == [1.0, 2.0, 3.0]
    torch.testing.assert_close(raw[1], score(load_reward_model(model), ASKED), atol=TOLERANCE, rtol=0)


def test_no_text_is_scored_twice_by_one_model(model, tmp_path, monkeypatch):
    opened = scorers.open_scorers([str(model)])
    scored = []
    real = scorers.score_with
    monkeypatch.setattr(scorers, "score_with", lambda *a: scored.append(len(a[1])) or real(*a))
    first = scorers.score(opened, ASKED[:2], kept=tmp_path / "kept")
    again = scorers.score(opened, ASKED, kept=tmp_path / "kept")
    assert scored == [2, 1]
    assert again[:, :2].equal(first)


def test_other_weights_are_scored_anew(model, tiny_reward_model, tmp_path):
    before = scorers.score(scorers.open_scorers([str(model)]), ASKED, kept=tmp_path / "kept")
    tiny_reward_model(model, seed=2)
    after = scorers.score(scorers.open_scorers([str(model)]), ASKED, kept=tmp_path / "kept")
    assert not after.equal(before)


def test_a_saved_ensemble_is_audited_as_it_was_saved(model, tmp_path):
    statistics = Statistics(torch.tensor([2.0]), torch.tensor([0.0]), torch.tensor([1.0]))
    Ensemble({"first": load_reward_model(model)}, statistics, temperature=3.0).save(tmp_path / "joined", tmp_path)
    opened = scorers.open_scorers([str(tmp_path / "joined")])
    assert opened.saved.temperature == 3.0
    assert scorers.score(opened, ASKED, kept=tmp_path / "kept").shape == (1, 3)
    with pytest.raises(Mistake, match="audit it alone"):
        scorers.open_scorers([str(tmp_path / "joined"), str(model)])


def test_a_file_of_scores_that_misses_a_text_is_refused_with_its_id(tmp_path):
    path = scores_file(tmp_path / "ready.jsonl", [1.0, 2.0])
    missing = scorers.text_id(ASKED[2])
    with pytest.raises(Mistake, match=f"no score for 1 of 3 texts, such as {missing}"):
        scorers.score(scorers.open_scorers([str(path)]), ASKED)


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ('{"score": 1}', "line 1: no id"),
        ('{"id": "a", "score": "high"}', "line 1: the score of a is 'high'; write a finite number"),
        ('{"id": "a", "score": NaN}', "line 1: the score of a is nan"),
        ('{"id": "a", "score": true}', "line 1: the score of a is True"),
    ],
)
def test_a_line_that_is_no_score_is_refused_by_its_number(tmp_path, line, told):
    (tmp_path / "ready.jsonl").write_text(line + "\n")
    with pytest.raises(Mistake, match=told):
        scorers.open_scorers([str(tmp_path / "ready.jsonl")])


def test_what_is_no_scorer_is_refused_with_what_one_would_be(tmp_path, model):
    with pytest.raises(Mistake, match="neither the folder of a reward model nor a file of ready scores"):
        scorers.open_scorers([str(tmp_path / "nothing")])
    with pytest.raises(Mistake, match="two of what is audited are called 'first'"):
        scorers.open_scorers([str(model), str(model)])


def test_a_model_with_several_outputs_is_refused(tiny_reward_model, tmp_path):
    tiny_reward_model(tmp_path / "heads", seed=1, num_heads=3)
    with pytest.raises(Mistake, match="a reward model has one output, this one has 3"):
        scorers.open_scorers([str(tmp_path / "heads")])


def test_a_tokenizer_without_a_template_or_that_pads_with_its_end_is_refused(model):
    config = json.loads((model / "tokenizer_config.json").read_text())
    (model / "tokenizer_config.json").write_text(json.dumps(config | {"pad_token": config["eos_token"]}))
    with pytest.raises(Mistake, match="pads with its end token"):
        scorers.open_scorers([str(model)])
    (model / "chat_template.jinja").unlink(missing_ok=True)
    (model / "tokenizer_config.json").write_text(json.dumps({k: v for k, v in config.items() if k != "chat_template"}))
    with pytest.raises(Mistake, match="no chat template"):
        scorers.open_scorers([str(model)])


def test_a_language_model_that_judges_is_audited_by_its_grades(tmp_path):
    from rlhf_pipeline import models
    from rlhf_pipeline.records import write_json
    from rlhf_pipeline.validation.items import Table

    shape = {"model_type": "llama", "vocab_size": 60, "hidden_size": 16, "intermediate_size": 32,
             "num_hidden_layers": 1, "num_attention_heads": 2, "max_position_embeddings": 24}  # fmt: skip
    write_json(tmp_path / "tiny.json", shape)
    tokenizer = models.train_tokenizer(iter(["1 2 3 4 5 grade wall is red blue the"] * 3), 60, "words")
    models.save_model(tmp_path / "judge", models.create_model(tmp_path / "tiny.json", tokenizer, seed=0), tokenizer)
    (tmp_path / "grade.txt").write_text("grade {prompt} {completion}")
    opened = scorers.open_scorers([str(tmp_path / "judge")], prompts=[tmp_path / "grade.txt"])
    table = Table()
    for colour in ("red", "blue"):
        table.add(user("the wall"), assistant(colour))
    raw, said = scorers.hear_or_score(opened, table)
    assert raw.shape == (1, 2)
    assert raw[0].equal(said.grades.expected())
    assert opened.fits([user("the wall") + assistant("red"), user("the wall " * 12) + assistant("red")]) == [
        True,
        False,
    ]
    with pytest.raises(Mistake, match="a judge is audited alone"):
        scorers.open_scorers([str(tmp_path / "judge")] * 2, prompts=[tmp_path / "grade.txt"])


def test_a_judges_own_code_is_never_run(tmp_path):
    with pytest.raises(Mistake, match="--trust-remote-code: a judge's own code is never run"):
        scorers.open_scorers(["judge"], prompts=[tmp_path / "prompt.txt"], trust_remote_code=True)
