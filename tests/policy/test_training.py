"""Tests of the policy's training, the same for every algorithm."""

import json
import math

import pytest
import torch

from rlhf_pipeline import methods, models
from rlhf_pipeline.checkpoints import latest
from rlhf_pipeline.mistakes import Mistake
from rlhf_pipeline.policy.trainers import Params, Setup
from rlhf_pipeline.policy.training import choose_prompts
from rlhf_pipeline.policy.trajectory import COLUMNS
from rlhf_pipeline.records import hash_folder
from rlhf_pipeline.training import DivergedError
from rlhf_pipeline.validation.ensemble import Ensemble, EnsembleError
from rlhf_pipeline.validation.members import load_members
from rlhf_pipeline.validation.normalisation import Statistics

ALGORITHMS = methods.names("policy/algorithms")
OFFLINE = ["dpo"]
"""They draw completions before the training, once."""
ONLINE = [name for name in ALGORITHMS if name not in OFFLINE]
LEAST_BETA = {"online_dpo": 0.01, "dpo": 0.01}
"""Of algorithms that learn nothing without a KL term."""


@pytest.mark.parametrize("name", ALGORITHMS)
def test_the_policy_climbs_on_an_easy_reward(run, name):
    overrides = {"batch_size": 48, "num_generations": 8, "learning_rate": 0.02, "num_sampled_prompts": 12}
    own = {"num_steps": 40, "beta": 0.01} if name in OFFLINE else {"num_steps": 15, "beta": 0.001}
    rows = run(name, save_samples_steps=5, **overrides, **own)["trajectory"]
    reward = [row["proxy_reward"] for row in rows]
    assert abs(reward[0]) < 0.4, "the baseline is the reference's own reward"
    # Twelve pairs, seen again and again, teach less than completions that are drawn anew.
    gain, last = (0.4, 4) if name in OFFLINE else (1.0, 2)
    assert sum(reward[-last:]) / last > reward[0] + gain
    assert rows[-1]["kl"] > 0.5


@pytest.mark.parametrize("name", ALGORITHMS)
def test_there_is_a_row_per_step_and_samples_where_they_are_due(run, name):
    result = run(name, num_steps=5)
    assert [row["step"] for row in result["trajectory"]] == ([0, 2, 4, 5] if name in OFFLINE else [0, 1, 2, 3, 4])
    assert all(set(row) == set(COLUMNS) for row in result["trajectory"])
    assert [row["step"] for row in result["samples"]] == [s for s in (0, 2, 4, 5) for _ in range(3)]
    by_step = [[row["prompt_id"] for row in result["samples"] if row["step"] == s] for s in (0, 2, 4, 5)]
    assert by_step[0] == by_step[1] == by_step[2] == by_step[3]
    assert result["metrics"]["num_steps"] == 5
    assert all(math.isfinite(value) for value in result["metrics"].values())


@pytest.mark.parametrize("beta", [0.0, 0.05])
@pytest.mark.parametrize("name", ALGORITHMS)
def test_the_reference_is_where_training_starts(run, name, beta):
    result = run(name, beta=max(beta, LEAST_BETA.get(name, 0.0)), learning_rate=0.02)
    assert abs(result["trajectory"][0]["kl"]) < 1e-4
    assert max(abs(row["kl"]) for row in result["samples"] if row["step"] == 0) < 1e-4
    assert abs(result["trajectory"][2]["kl"]) > 1e-3


def test_a_step_that_reuses_completions_keeps_their_row(run):
    rows = run("grpo", num_iterations=2, num_steps=4)["trajectory"]
    assert rows[0]["proxy_reward"] == rows[1]["proxy_reward"] != rows[2]["proxy_reward"] == rows[3]["proxy_reward"]


def test_steps_whose_completions_are_drawn_at_once_train_on_parts_of_them(run):
    rows = run("grpo", steps_per_generation=2, num_steps=4)["trajectory"]
    assert rows[0]["proxy_reward"] == rows[1]["proxy_reward"] != rows[2]["proxy_reward"] == rows[3]["proxy_reward"]
    assert abs(rows[0]["kl"]) < 1e-4 < abs(rows[2]["kl"])


def test_the_same_seed_gives_the_same_run_and_another_seed_another(run):
    first, again, other = run("grpo"), run("grpo"), run("grpo", seed=2)
    assert first == again
    assert first["trajectory"] != other["trajectory"]


# Twelve prompts, two a step: six steps a pass of one step per batch, twelve of two.
KILLS = [(1, {"step": 9}), (1, {"writing": 12}), (2, {"step": 6}), (2, {"step": 15})]
AT_ONCE = {"num_steps": 15, "steps_per_generation": 3, "learning_rate": 0.02, "save_fraction": 0.2}


@pytest.mark.parametrize(
    ("name", "num_iterations", "end"),
    [
        pytest.param(name, *kill, marks=[] if name == "grpo" or kill is KILLS[0] else [pytest.mark.slow])
        for name in ALGORITHMS
        for kill in KILLS
    ],
)
def test_a_killed_training_goes_on_to_the_same_policy(run, tmp_path, killed_at, name, num_iterations, end):
    if name in OFFLINE and num_iterations > 1:
        pytest.skip("it uses its completions as often as it passes over its pairs")
    overrides = {"num_steps": 15, "num_iterations": num_iterations, "learning_rate": 0.02, "save_fraction": 0.2}
    undisturbed = run(name, out=tmp_path / "undisturbed", **overrides)
    options = {"out": tmp_path / "resumed", "checkpoints": tmp_path / "checkpoints", **overrides}
    killed_at(lambda: run(name, **options), **end)
    assert latest(tmp_path / "checkpoints")
    resumed = run(name, **options)
    assert resumed == undisturbed
    assert json.dumps(resumed["samples"]) == json.dumps(undisturbed["samples"])  # the file's bytes: keys in one order
    assert hash_folder(tmp_path / "resumed") == hash_folder(tmp_path / "undisturbed")


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[] if name == "grpo" else [pytest.mark.slow]) for name in ONLINE]
)
def test_a_training_killed_between_steps_that_share_a_drawing_goes_on_alike(run, tmp_path, killed_at, name):
    undisturbed = run(name, out=tmp_path / "undisturbed", **AT_ONCE)
    options = {"out": tmp_path / "resumed", "checkpoints": tmp_path / "checkpoints", **AT_ONCE}
    killed_at(lambda: run(name, **options), step=8)
    assert latest(tmp_path / "checkpoints")
    assert run(name, **options) == undisturbed
    assert hash_folder(tmp_path / "resumed") == hash_folder(tmp_path / "undisturbed")


@pytest.mark.parametrize("name", ONLINE)
def test_checkpoints_fall_where_completions_are_drawn(reference, tmp_path, name):
    from datasets import Dataset

    algorithm = methods.load("policy/algorithms", name)
    drawn = {"num_iterations": 3, "steps_per_generation": 2, "rows_at_once": 32}
    params = methods.settings(algorithm, {**drawn, "save_fraction": 0.1, "num_steps": 100})
    data = Dataset.from_list([{"prompt": "paint red", "prompt_index": 0}])
    setup = Setup(*models.load_policy(reference), data, lambda **_: [0.0], 0, checkpoint_folder=tmp_path)
    config = algorithm.trainer(setup, params).args
    assert config.steps_per_generation == 4  # TRL counts passes of 32 rows
    num_batches = config.steps_per_generation * config.num_iterations
    assert config.save_steps * config.gradient_accumulation_steps % num_batches == 0


def test_a_loss_that_is_nan_names_the_prompts(run, tmp_path, monkeypatch):
    from trl import GRPOTrainer

    real, calls = GRPOTrainer.compute_loss, []

    def compute_loss(*args, **kwargs):
        calls.append(None)
        return real(*args, **kwargs) * (math.nan if len(calls) == 4 else 1)

    monkeypatch.setattr(GRPOTrainer, "compute_loss", compute_loss)
    with pytest.raises(DivergedError, match=r"loss is nan at step 4, rows: p\d+, p\d+$"):
        run("grpo", num_steps=6, checkpoints=tmp_path / "checkpoints")
    assert latest(tmp_path / "checkpoints").name == "checkpoint-3"


def test_the_saved_policy_is_the_trained_one(run, reference, tmp_path):
    run("grpo", out=tmp_path / "tuned")
    before, after = (models.load_policy(folder)[0].state_dict() for folder in (reference, tmp_path / "tuned"))
    assert any(not torch.equal(before[key], after[key]) for key in before)
    assert models.load_tokenizer(tmp_path / "tuned").chat_template


def test_a_member_that_gives_nan_stops_the_training_by_name(run, ensemble):
    broken = ensemble()
    broken.reward_models["m1"].model.weight = math.nan
    with pytest.raises(EnsembleError, match="m1"):
        run("grpo", broken)


def test_a_policy_is_trained_on_a_member_with_many_heads(run, reference, tmp_path):
    model, tokenizer = models.reward_model_from(reference, seed=0, num_heads=3)
    models.save_model(tmp_path / "members/many", model, tokenizer)
    models.save_model(tmp_path / "members/one", *models.reward_model_from(reference, seed=1))
    loaded = load_members(tmp_path / "members", ["many", "one"], None)
    ensemble = Ensemble(loaded, Statistics(*torch.full((3, 4), 0.1)), aggregator="mean_minus_std")
    result = run("grpo", ensemble, learning_rate=0.02)
    assert result["trajectory"][-1]["disagreement"] > 0
    assert all(math.isfinite(value) for row in result["trajectory"] for value in row.values())
    loaded["many"].model.score.weight.data[1].fill_(math.nan)
    with pytest.raises(EnsembleError, match="member 'many/1'"):
        run("grpo", ensemble)


def test_prompts_without_room_for_a_completion_are_left_out_and_counted(reference, prompts):
    tokenizer = models.load_tokenizer(reference)
    long = {"id": "long", "prompt": [{"role": "user", "content": "red " * 40}]}
    params = Params(max_length=32, max_completion_length=6, num_steps=100)
    kept, _, num_too_long = choose_prompts([*prompts, long], tokenizer, params, seed=0, context=64)
    assert (sorted(row["id"] for row in kept), num_too_long) == (sorted(row["id"] for row in prompts), 1)
    with pytest.raises(ValueError, match="none of 1 prompts"):
        choose_prompts([long], tokenizer, params, seed=0, context=64)


def test_only_prompts_that_training_reaches_are_used(reference, prompts):
    params = Params(num_steps=2, batch_size=8, num_generations=4, num_sampled_prompts=9, max_completion_length=6)
    trained, sampled, _ = choose_prompts(prompts, models.load_tokenizer(reference), params, seed=0, context=64)
    assert (len(trained), len(sampled)) == (4, 9)
    used = {row["id"] for row in trained}
    assert [row["id"] in used for row in sampled] == [False] * 8 + [True]


def test_prompts_are_chosen_for_whole_drawings_and_too_few_for_one_are_refused(reference, prompts):
    shared = {"batch_size": 8, "num_generations": 4, "steps_per_generation": 4, "max_completion_length": 6}
    tokenizer = models.load_tokenizer(reference)
    trained, *_ = choose_prompts(prompts, tokenizer, Params(num_steps=2, **shared), seed=0, context=64)
    assert len(trained) == 8  # the two steps' completions are drawn with those of the two after
    with pytest.raises(ValueError, match="7 prompts, where the completions of 8 are drawn at once"):
        choose_prompts(prompts[:7], tokenizer, Params(num_steps=2, **shared), seed=0, context=64)


def test_a_batch_that_groups_cannot_fill_is_refused():
    with pytest.raises(ValueError, match="no multiple"):
        Params(batch_size=10, num_generations=4)


@pytest.mark.parametrize("name", ["grpo", "dpo"])
def test_where_memory_runs_out_half_as_many_rows_go_on_from_the_last_checkpoint(
    run, tmp_path, monkeypatch, capsys, name
):
    from transformers import Trainer

    real, steps = Trainer.training_step, []

    def training_step(self, model, inputs, *args, **kwargs):
        steps.append((self.state.global_step, self.args.per_device_train_batch_size))
        if self.args.per_device_train_batch_size > (2 if name == "grpo" else 1) and self.state.global_step == 2:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
        return real(self, model, inputs, *args, **kwargs)

    overrides = {"num_steps": 4, "save_fraction": 0.25, "beta": 0.05}
    whole = run(name, out=tmp_path / "whole", **overrides)
    monkeypatch.setattr(Trainer, "training_step", training_step)
    with pytest.raises(torch.OutOfMemoryError):
        run(name, **overrides)
    halved = run(name, out=tmp_path / "halved", checkpoints=tmp_path / "c", halve_on_oom=True, **overrides)
    told = capsys.readouterr().out
    assert [line for line in told.splitlines() if "too little" in line] == [
        "too little memory: going on with rows_at_once 4",
        "too little memory: going on with rows_at_once 2",
    ]
    assert min(step for step, rows in steps[-6:]) >= 2, "nothing before the checkpoint is done again"
    assert halved["metrics"]["proxy_reward/last"] == pytest.approx(whole["metrics"]["proxy_reward/last"], abs=1e-3)
    assert halved["metrics"]["kl/last"] == pytest.approx(whole["metrics"]["kl/last"], abs=1e-4)


def test_rows_are_halved_to_a_divisor_of_the_batch_and_not_below_one():
    params = Params(batch_size=24, num_generations=8)
    found = []
    while params := params.halved():
        found.append(params.rows_at_once)
    assert found == [12, 6, 3, 1]


def test_a_reward_that_never_varies_ends_the_training_before_it_drifts(run, ensemble):
    silent = ensemble((0.0, 0.0))
    silent.statistics.scale.fill_(1.0)
    with pytest.raises(
        Mistake, match="all completions of 3 steps from the start have the reward 0: there is nothing to learn"
    ):
        run("grpo", silent, num_steps=6)


def test_a_member_with_another_tokenizer_reads_the_policys_words_and_not_its_ids(run, reference, tmp_path):
    from rlhf_pipeline.records import text, write_json
    from rlhf_pipeline.scoring import load_reward_model, score

    shape = {"model_type": "llama", "vocab_size": 300, "hidden_size": 16, "intermediate_size": 32,
             "num_hidden_layers": 1, "num_attention_heads": 2, "max_position_embeddings": 128}  # fmt: skip
    write_json(tmp_path / "other.json", shape)
    tokenizer = models.train_tokenizer(iter(["what colours are there, and who paints them?"] * 3), 300, "bpe")
    models.save_model(tmp_path / "trunk", models.create_model(tmp_path / "other.json", tokenizer, seed=3), tokenizer)
    models.save_model(tmp_path / "member", *models.reward_model_from(tmp_path / "trunk", seed=1))
    member = load_reward_model(tmp_path / "member")
    assert member.tokenizer.get_vocab() != models.load_tokenizer(reference).get_vocab()
    ensemble = Ensemble({"other": member}, Statistics(*torch.tensor([[0.1], [0.0], [0.1]])), normalisation="global")
    samples = run("grpo", ensemble, learning_rate=0.02)["samples"]
    assert all(text(row["completion"]) for row in samples)
    raw = score(member, [row["prompt"] + row["completion"] for row in samples])
    assert [row["proxy_reward"] for row in samples] == pytest.approx((raw / 0.1).tolist(), abs=1e-3)
