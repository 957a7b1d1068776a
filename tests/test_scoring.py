"""The same conversation has the same score wherever it is scored."""

import random
from types import SimpleNamespace

import pytest
import torch

from rlhf_pipeline import models, scoring
from rlhf_pipeline.models import CheckpointError
from rlhf_pipeline.records import assistant, user
from rlhf_pipeline.scoring import (
    TOLERANCE,
    RewardModel,
    checkpoints_in,
    load_reward_model,
    score,
    score_all,
    score_heads,
)

LETTERS = list("abcdefghijklmnop")


def said(rng):
    return " ".join(rng.choices(LETTERS, k=rng.randint(1, 20)))


@pytest.fixture(scope="module")
def conversations():
    rng = random.Random(0)
    return [user(f"say {said(rng)}") + assistant(said(rng)) for _ in range(24)] + [user("say a") + assistant("")]


@pytest.fixture(scope="module")
def folder(tiny_trunk, tmp_path_factory):
    """Return a saved reward model whose head is large, so that scores lie far apart."""
    model, tokenizer = models.reward_model_from(tiny_trunk, seed=1)
    with torch.no_grad():
        model.score.weight.mul_(20)
    folder = tmp_path_factory.mktemp("reward") / "model"
    models.save_model(folder, model, tokenizer)
    return folder


@pytest.fixture(scope="module")
def reward_model(folder):
    return load_reward_model(folder)


@pytest.fixture(scope="module")
def scores(reward_model, conversations):
    found = score(reward_model, conversations, batch_size=1)
    assert found.std() > 100 * TOLERANCE  # otherwise nothing below could fail
    return found


def close(found, scores):
    return torch.allclose(found.float(), scores, rtol=0, atol=TOLERANCE)


def forward(model, ids):
    with torch.no_grad():
        return model(torch.tensor([ids])).logits.squeeze()


@pytest.mark.parametrize("batch_size", [2, 7, 64])
def test_batches_score_as_single_conversations_do(reward_model, conversations, scores, batch_size):
    assert close(score(reward_model, conversations, batch_size), scores)


@pytest.mark.parametrize("name", ["batching.BATCH_TOKENS", "scoring.WINDOW"])
def test_small_batches_and_windows_score_the_same(reward_model, conversations, scores, monkeypatch, name):
    monkeypatch.setattr(f"rlhf_pipeline.{name}", 7)
    assert close(score(reward_model, conversations), scores)


@pytest.mark.parametrize("batch_size", [3, 64])
def test_a_prompt_of_several_replies_is_read_once_and_each_scores_as_alone(reward_model, monkeypatch, batch_size):
    monkeypatch.setattr("rlhf_pipeline.batching.LEAST_SHARED", 4)
    rng = random.Random(1)
    prompts = [user(f"say {said(rng)} {said(rng)}") for _ in range(6)]
    replies = [prompt + assistant(said(rng)) for prompt in prompts for _ in range(1 + len(prompt[0]["content"]) % 4)]
    rng.shuffle(replies)
    alone = torch.cat([score(reward_model, [one]) for one in replies])
    read = []
    hook = reward_model.model.model.embed_tokens.register_forward_hook(lambda _, given, __: read.append(given[0]))
    found = score(reward_model, replies, batch_size)
    hook.remove()
    whole = sum(map(len, scoring.tokenize(reward_model.tokenizer, replies)))
    assert close(found, alone)
    assert sum(int((ids != reward_model.tokenizer.pad_token_id).sum()) for ids in read) < 0.8 * whole


def test_a_model_that_cannot_share_prompts_scores_the_same(folder, conversations, scores, monkeypatch):
    monkeypatch.setattr("rlhf_pipeline.prefixes.can_read", lambda model: False)
    assert close(score(load_reward_model(folder), conversations * 2), torch.cat([scores, scores]))


@pytest.mark.parametrize("threads", [1, 2])
def test_models_with_equal_tokenizers_share_the_tokens(folder, tiny_trunk, conversations, scores, monkeypatch, threads):
    seen = []
    monkeypatch.setattr(scoring, "tokenize", lambda *asked, read=scoring.tokenize: seen.append(1) or read(*asked))
    loaded = [load_reward_model(folder), load_reward_model(folder)]
    found = score_all(loaded, conversations, threads=threads)
    assert (len(seen), all(close(one.squeeze(0), scores) for one in found)) == (1, True)
    loaded[1].tokenizer.chat_template = loaded[1].tokenizer.chat_template.replace("<|end|>", "")
    assert len({one.reading for one in (load_reward_model(folder), *loaded)}) == 1  # read once, before the change
    changed = RewardModel(loaded[1].model, loaded[1].tokenizer)
    first, second = score_all([loaded[0], changed], conversations)
    assert len(seen) == 3
    assert close(first.squeeze(0), scores)
    assert not close(second.squeeze(0), scores)


def test_a_model_of_several_outputs_gives_a_row_for_each(reward_model, conversations, scores):
    from copy import deepcopy

    model = deepcopy(reward_model.model)
    model.score.weight = torch.nn.Parameter(torch.cat([model.score.weight, -model.score.weight]))
    model.config.num_labels = 2
    found = score_all([RewardModel(model, reward_model.tokenizer), reward_model], conversations)
    assert [one.shape for one in found] == [(2, 25), (1, 25)]
    assert close(found[0], torch.stack([scores, -scores]))


def test_scores_stand_in_the_order_of_the_conversations(reward_model, conversations, scores):
    assert close(score(reward_model, conversations[::-1]), scores.flip(0))


def test_padding_on_the_right_changes_nothing(reward_model, conversations, scores):
    tokenizer = reward_model.tokenizer
    for ids, expected in zip(scoring.tokenize(tokenizer, conversations[:6]), scores, strict=False):
        padding = [tokenizer.pad_token_id] * 9
        mask = torch.tensor([[1] * len(ids) + [0] * 9])
        with torch.no_grad():
            padded = reward_model.model(torch.tensor([ids + padding]), attention_mask=mask).logits.squeeze()
        assert close(padded, expected)


def test_a_saved_and_loaded_model_scores_the_same(reward_model, conversations, scores, tmp_path):
    models.save_model(tmp_path / "again", reward_model.model, reward_model.tokenizer)
    assert close(score(load_reward_model(tmp_path / "again"), conversations), scores)


def test_a_model_just_made_scores_as_it_does_when_loaded(tiny_trunk, tmp_path, conversations):
    made = models.reward_model_from(tiny_trunk, seed=3)
    before = score(RewardModel(made[0].eval(), made[1]), conversations)
    models.save_model(tmp_path / "made", *made)
    assert close(score(load_reward_model(tmp_path / "made"), conversations), before)


def test_plain_transformers_give_the_same_scores(folder, conversations, scores):
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    model, tokenizer = AutoModelForSequenceClassification.from_pretrained(folder), AutoTokenizer.from_pretrained(folder)
    found = [forward(model, tokenizer.apply_chat_template(one)["input_ids"]) for one in conversations]
    assert close(torch.stack(found), scores)


def test_training_scores_as_serving_does(folder, conversations, scores, tmp_path):
    """Through the collator and the loss of TRL's RewardTrainer, as `rewards` trains."""
    from trl import RewardConfig

    from rlhf_pipeline.rewards.training import create_trainer, tokenize

    seen = {}

    def loss(chosen, rejected, margin, params):
        seen.update(chosen=chosen.detach(), rejected=rejected.detach(), margin=margin)
        return chosen - rejected

    reward_model = load_reward_model(folder)
    replies = [one[1:] for one in conversations]
    rows = [
        {"id": "", "prompt": one[:1], "chosen": one[1:], "rejected": reply, "margin": 0.5}
        for one, reply in zip(conversations, [*replies[1:], replies[0]], strict=True)
    ]
    dataset, num_too_long = tokenize(rows, reward_model.tokenizer, max_length=64)
    assert num_too_long == 0
    trainer = create_trainer(
        SimpleNamespace(loss=loss), None, model=reward_model.model, train_dataset=dataset,
        processing_class=reward_model.tokenizer,
        args=RewardConfig(tmp_path, bf16=False, report_to="none", max_length=64, remove_unused_columns=False),
    )  # fmt: skip
    batch = trainer.data_collator([dataset[i] for i in range(len(dataset))])
    with torch.no_grad():
        trainer.compute_loss(trainer.model.eval(), batch)
    assert close(seen["chosen"], scores)
    swapped = [row["prompt"] + row["rejected"] for row in rows]
    assert close(seen["rejected"], score(load_reward_model(folder), swapped))
    assert seen["margin"].tolist() == [0.5] * len(rows)


def test_what_the_policy_is_rewarded_for_is_what_it_wrote(tiny_trunk, reward_model, tmp_path):
    """Through TRL's GRPO: tokens become text, text becomes messages, and these score as the tokens do."""
    from datasets import Dataset
    from trl import GRPOConfig, GRPOTrainer

    policy, tokenizer = models.load_policy(tiny_trunk)
    seen = []

    def reward(prompts, completions, completion_ids, **_):
        rewards = score(reward_model, [p + c for p, c in zip(prompts, completions, strict=True)])
        seen.extend(zip(prompts, completion_ids, rewards, strict=True))
        return rewards.tolist()

    special = [i for i in tokenizer.all_special_ids if i != tokenizer.eos_token_id]
    special += tokenizer.convert_tokens_to_ids(["<|system|>", "<|user|>", "<|assistant|>"])
    config = GRPOConfig(
        tmp_path, max_steps=1, per_device_train_batch_size=16, num_generations=8, max_completion_length=12, bf16=False,
        report_to="none", save_strategy="no", generation_kwargs={"suppress_tokens": sorted(set(special))}, seed=0,
    )  # fmt: skip
    data = Dataset.from_list([{"prompt": user("say a b")}, {"prompt": user("say c")}])
    GRPOTrainer(policy, reward, args=config, train_dataset=data, processing_class=tokenizer).train()
    assert len({tuple(ids) for _, ids, _ in seen}) > 8
    for prompt, completion_ids, found in seen:
        opened = tokenizer.apply_chat_template(prompt, add_generation_prompt=True)["input_ids"]
        ids = [i for i in completion_ids if i != tokenizer.eos_token_id] + [tokenizer.eos_token_id]
        assert close(forward(reward_model.model, opened + ids), found)


def test_nothing_to_score_has_no_scores(reward_model):
    assert score(reward_model, []).shape == (0,)


def test_what_does_not_fit_the_context_is_refused_not_cut(reward_model):
    with pytest.raises(ValueError, match="exceeds the reward model's context of 64"):
        score(reward_model, [user("say a") + assistant("a " * 90)])


@pytest.fixture(scope="module")
def many(tiny_trunk, tmp_path_factory):
    """Return the folder of a model with three heads that lie far apart."""
    model, tokenizer = models.reward_model_from(tiny_trunk, seed=1, num_heads=3)
    with torch.no_grad():
        model.score.weight.mul_(20)
    folder = tmp_path_factory.mktemp("many") / "model"
    models.save_model(folder, model, tokenizer)
    return folder


def test_every_head_scores_the_same_in_batches_and_alone_before_and_after_saving(many, conversations, tmp_path):
    loaded = load_reward_model(many)
    alone = score_heads(loaded, conversations, batch_size=1)
    assert alone.shape == (3, len(conversations))
    assert alone.std(dim=1).min() > 100 * TOLERANCE
    assert not torch.allclose(alone[0], alone[1])
    models.save_model(tmp_path / "again", loaded.model, loaded.tokenizer)
    for batch_size, folder in ((7, many), (64, many), (64, tmp_path / "again")):
        assert close(score_heads(load_reward_model(folder), conversations, batch_size), alone)


def test_plain_transformers_give_the_same_scores_of_every_head(many, conversations):
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    model, tokenizer = AutoModelForSequenceClassification.from_pretrained(many), AutoTokenizer.from_pretrained(many)
    found = [forward(model, tokenizer.apply_chat_template(one)["input_ids"]) for one in conversations]
    assert close(torch.stack(found, dim=1), score_heads(load_reward_model(many), conversations))


def test_one_head_scores_as_the_only_row_of_its_heads(reward_model, conversations, scores):
    assert close(score_heads(reward_model, conversations), scores[None])
    assert score_heads(reward_model, []).shape == (1, 0)


def test_one_reward_of_many_heads_is_refused(many, conversations):
    with pytest.raises(CheckpointError, match="a model with 3 heads; use score_heads"):
        score(load_reward_model(many), conversations)


def test_the_checkpoints_of_a_member_stand_in_the_order_of_their_numbers(tmp_path):
    assert checkpoints_in(tmp_path) == [tmp_path]
    for name in ("10", "2", "0"):
        (tmp_path / name).mkdir()
    assert [path.name for path in checkpoints_in(tmp_path)] == ["0", "2", "10"]
