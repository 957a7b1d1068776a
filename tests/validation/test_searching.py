"""Tests of the command that writes training pairs out of what a search finds."""

import random

import pytest
import torch

from rlhf_pipeline import methods, models
from rlhf_pipeline.curation.sources._files import iterate_entries
from rlhf_pipeline.curation.sources.pairs import Params, parse
from rlhf_pipeline.mistakes import Mistake
from rlhf_pipeline.models import CheckpointError
from rlhf_pipeline.records import assistant, read_rows, user, write_rows
from rlhf_pipeline.scoring import load_reward_model, score
from rlhf_pipeline.validation import searching
from rlhf_pipeline.validation.ensemble import Ensemble
from rlhf_pipeline.validation.normalisation import Statistics

FEW = ["--set", "num_pairs=12", "max_new_tokens=5", "top_k=8", "weight=20", "least_probability=0"]


@pytest.fixture(scope="module")
def place(tiny_reward_model, tmp_path_factory):
    """Return a folder with pairs and two reward models, of which `t` is always of the opposite mind."""
    folder, rng = tmp_path_factory.mktemp("searching"), random.Random(0)
    letters = "abcdefgh"
    rows = [
        {"prompt": f"say {' '.join(rng.sample(letters, 3))} {n}", "chosen": f"good {a}", "rejected": f"bad {b}"}
        for n, (a, b) in enumerate(rng.sample(letters, 2) for _ in range(48))
    ]
    write_rows(folder / "pairs.jsonl", rows)
    for name in "mt":
        tiny_reward_model(folder / name, seed=0)
    tiny_reward_model(folder / "s", seed=1)
    turned = load_reward_model(folder / "t")
    turned.model.get_submodule("score").weight.data.neg_()
    models.save_model(folder / "t", turned.model, turned.tokenizer)
    return folder


def asked(place, *more, model="m"):
    return [str(place / model), "--pairs", str(place / "pairs.jsonl"), *map(str, more)]


def test_real_models_are_searched_and_what_is_found_is_read_as_pairs(place, tiny_trunk, tmp_path, capsys):
    out = tmp_path / "found.jsonl"
    more = ["--method", "reward_guided_failure_discovery", "--policy", tiny_trunk, "--trusted", place / "t"]
    searching.main(asked(place, *more, *FEW, "--out", out))
    rows = parse(iterate_entries(out), methods.parse_settings(Params, {}, "pairs")).pairs
    assert rows
    audited, trusted = (load_reward_model(place / name) for name in "mt")
    for row in rows:
        sides = [row["prompt"] + row[side] for side in ("chosen", "rejected")]
        (won, lost), (sure_won, sure_lost) = score(audited, sides).tolist(), score(trusted, sides).tolist()
        assert won < lost
        assert sure_won > sure_lost
    told = capsys.readouterr().out
    assert "of 24 tried are mishandled" in told
    assert "the plain way:" in told
    assert f"{len(rows)} training pairs in {out}" in told
    first = out.read_bytes()
    searching.main(asked(place, *more, *FEW, "--out", out))
    assert out.read_bytes() == first


@pytest.mark.parametrize("method", ["quality_diversity_red_team", "targeted_behavior_attack"])
def test_searches_without_a_policy_need_none_and_say_that_nothing_was_trusted(place, tmp_path, capsys, method):
    few = {"quality_diversity_red_team": "num_calls=40", "targeted_behavior_attack": "num_rounds=2"}[method]
    searching.main(asked(place, "--method", method, "--set", few, "--out", tmp_path / "found.jsonl"))
    assert "nothing trusted was named" in capsys.readouterr().out
    assert {"id", "prompt", "chosen", "rejected"} == set().union(*read_rows(tmp_path / "found.jsonl"))


def test_reward_models_are_joined_on_one_scale_and_a_saved_ensemble_as_it_stands(place, tmp_path):
    rows = [
        {"prompt": user(f"say {letter}"), "chosen": assistant("good"), "rejected": assistant("bad a")}
        for letter in "abcd"
    ]
    said = [user("say a") + assistant(one) for one in ("good", "bad bad", "c")]
    raw = torch.stack([score(load_reward_model(place / name), said) for name in ("m", "s")])
    sides = [[row["prompt"] + row[side] for row in rows] for side in ("chosen", "rejected")]
    models_of = [load_reward_model(place / name) for name in ("m", "s")]
    halves = torch.stack([torch.stack([score(one, side) for side in sides]) for one in models_of])
    scale = ((halves[:, 0] - halves[:, 1]).square().mean(dim=1) / 2).sqrt()
    joined = searching.score_of(searching.open_for_search([str(place / "m"), str(place / "s")], []), rows)
    torch.testing.assert_close(joined(said), (raw / scale[:, None]).mean(dim=0), atol=1e-3, rtol=1e-3)
    statistics = Statistics(torch.tensor([2.0]), torch.tensor([5.0]), torch.tensor([1.0]))
    Ensemble({"m": load_reward_model(place / "m")}, statistics).save(tmp_path / "joined", place)
    saved = searching.score_of(searching.open_for_search([str(tmp_path / "joined")], []), rows)
    torch.testing.assert_close(saved(said), raw[0] / 2)


def test_a_judge_is_trusted_by_the_grade_that_it_is_expected_to_give(tiny_trunk, tmp_path):
    (tmp_path / "grade.txt").write_text("---\nanswers: 1 2\n---\n{prompt} {completion}")
    model, _ = models.load_policy(tiny_trunk)
    words = models.train_tokenizer(iter(["1 2 say a b good bad"] * 2), 300, "words")
    models.save_model(tmp_path / "judge", model, words)
    score = searching.score_of(searching.open_for_search([str(tmp_path / "judge")], [tmp_path / "grade.txt"]), [])
    grades = score([user("say a") + assistant(word) for word in ("good", "bad", "good")])
    assert all(1 < grade < 2 for grade in grades.tolist())
    assert grades[0] == grades[2] != grades[1]


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ([], "name a search with --method NAME: .*quality_diversity_red_team"),
        (["--method", "quality_diversity"], "unknown method.*quality_diversity_red_team"),
        (["--method", "reward_guided_failure_discovery"], "needs a policy that writes.*--policy DIR"),
        (["--method", "targeted_behavior_attack", "--set", "budgt=2"], "budgt: unknown key.*budget"),
        (["--method", "targeted_behavior_attack", "--set", "budget"], "--set budget: write KEY=VALUE"),
        (["--method", "targeted_behavior_attack", "--judge", "x.txt"], "name that model too"),
        (["--method", "quality_diversity_red_team", "--trusted", "none.jsonl"], "none.jsonl"),
    ],
)
def test_mistakes_say_what_to_write_instead(place, more, told):
    with pytest.raises((ValueError, OSError), match=told):
        searching.main(asked(place, *more))


def test_nothing_named_ready_scores_and_what_writes_nothing_are_told(place, tmp_path):
    with pytest.raises(Mistake, match="name a reward model, and pairs"):
        searching.main([])
    write_rows(tmp_path / "scores.jsonl", [{"id": "a", "score": 1.0}])
    with pytest.raises(Mistake, match=r"scores.jsonl: ready scores.*name a reward model"):
        searching.open_for_search([str(tmp_path / "scores.jsonl")], [])
    with pytest.raises(CheckpointError, match="writes nothing; name a language model"):
        searching.open_policy(str(place / "m"))


def test_texts_that_outgrow_the_reward_model_are_told(place):
    row = {"prompt": user("say a"), "chosen": assistant("good"), "rejected": assistant("bad")}
    scored = searching.score_of(searching.open_for_search([str(place / "m")], []), [row])
    with pytest.raises(Mistake, match=r"longer than a reward model reads; lower max_new_tokens"):
        scored([user("say a") + assistant("long " * 200)])
