"""From a checkpoint to a tuned policy in a few steps, for each family, all weights and with adapters."""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch

from rlhf_pipeline import models, scoring
from rlhf_pipeline.adapters import ADAPTER
from rlhf_pipeline.policy import training as policy_training
from rlhf_pipeline.policy.algorithms import grpo, rloo
from rlhf_pipeline.records import assistant, user
from rlhf_pipeline.rewards import training as reward_training
from rlhf_pipeline.rewards.objectives import bradley_terry
from rlhf_pipeline.scoring import BF16_TOLERANCE, TOLERANCE, RewardModel, load_reward_model, score
from rlhf_pipeline.sft import training as sft_training
from rlhf_pipeline.validation.ensemble import Ensemble
from rlhf_pipeline.validation.normalisation import Statistics
from tests.checkpoints import FAMILIES, add_code

SHAPES = {
    "full": {},
    "lora": {"precision": "bf16", "gradient_checkpointing": True, "lora": {"rank": 4, "alpha": 8, "dropout": 0.1}},
}
STEPS = {"batch_size": 4, "rows_at_once": 2, "learning_rate": 0.01}
COLOURS = ["red", "blue", "green", "good", "bad"]
CONVERSATIONS = [
    user(f"say {asked}") + assistant(" ".join([said] * (1 + number)))
    for number, asked in enumerate(COLOURS)
    for said in COLOURS[:3]
]


@dataclass(frozen=True)
class Trained:
    trunk: Path
    member: Path
    policy: Path
    metrics: dict
    is_half: bool

    def close(self, found, scores):
        tolerance = BF16_TOLERANCE * scores.abs().max() if self.is_half else TOLERANCE
        assert scores.std() > 3 * tolerance  # otherwise nothing could fail
        return torch.allclose(found.float(), scores, rtol=0, atol=float(tolerance))


@pytest.fixture(scope="module", params=[(name, shape) for name in FAMILIES for shape in SHAPES], ids="-".join)
def trained(request, families, tmp_path_factory):
    """Train a trunk, a member and a policy of one family."""
    name, shape = request.param
    folder = tmp_path_factory.mktemp("trained")
    trunk, member, policy = (folder / part for part in ("trunk", "member", "policy"))
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        rows = [{"prompt": one[:1], "completion": one[1:]} for one in CONVERSATIONS]
        sft = sft_training.train(families[name], rows, sft_training.Params(**STEPS, **SHAPES[shape]), 0, trunk)
        train_member(trunk, member, shape)
        metrics = train_policy(trunk, member, policy, grpo if name != "qwen" else rloo, shape)
    return Trained(trunk, member, policy, {"sft": sft["metrics"], "policy": metrics}, shape == "lora")


def train_member(trunk, out, shape):
    params = reward_training.Params(**STEPS, **SHAPES[shape], num_evaluations=1)
    pairs = [
        {"id": str(n), "group": str(n), "prompt": one[:1], "chosen": one[1:], "rejected": assistant("bad bad")}
        for n, one in enumerate(CONVERSATIONS)
    ]
    reward_training.train(trunk, pairs, pairs[:4], params, bradley_terry, bradley_terry.Params(), 0, out)


def train_policy(trunk, member, out, algorithm, shape):
    settings = {"num_steps": 2, "num_generations": 2, "max_completion_length": 6, "num_references": 2,
                "num_sampled_prompts": 2, **STEPS, **SHAPES[shape]}  # fmt: skip
    ensemble = Ensemble({"a": load_reward_model(member)}, Statistics(*torch.ones(3, 1)))
    prompts = [{"id": str(n), "prompt": user(f"say {colour}")} for n, colour in enumerate(COLOURS)]
    found = policy_training.train(trunk, ensemble, prompts, algorithm, algorithm.Params(**settings), 0, out)
    return found["metrics"]


def test_gemma2_keeps_its_soft_caps(families):
    """Only eager attention caps; transformers refuses others for it, so that none is chosen here."""
    model = models.load_causal(families["gemma2"])
    rows = torch.randint(10, 200, (2, 20), generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        capped = model(rows.to(model.device)).logits
        for layer in model.model.layers:
            layer.self_attn.attn_logit_softcapping = None
        uncapped = model(rows.to(model.device)).logits
    assert model.config._attn_implementation == "eager"
    assert capped.abs().max() <= 3.0
    assert (capped - uncapped).abs().max() > 10 * TOLERANCE


def test_code_that_is_trusted_runs_and_is_marked_from_base_to_policy(families, tmp_path, monkeypatch):
    base = add_code(shutil.copytree(families["llama"], tmp_path / "base"))
    monkeypatch.chdir(tmp_path)
    folders = trunk, member, policy = [tmp_path / part for part in ("trunk", "member", "policy")]
    rows = [{"prompt": one[:1], "completion": one[1:]} for one in CONVERSATIONS]
    sft_training.train(base, rows, sft_training.Params(**STEPS), 0, trunk, trust_remote_code=True)
    train_member(trunk, member, "full")
    train_policy(trunk, member, policy, grpo, "full")
    assert [models.remote_code_tag(folder) for folder in folders] == [{"trust_remote_code": "true"}] * 3
    assert all((folder / "own.py").exists() for folder in folders)
    assert type(models.load_policy(policy)[0]).__name__ == "Own"


def test_a_member_is_saved_as_adapters_on_its_trunk(trained, tmp_path):
    if not (trained.member / ADAPTER).exists():
        pytest.skip("all weights were trained")
    joined = Ensemble({"member": load_reward_model(trained.member)}, Statistics(*torch.ones(3, 1)))
    joined.save(tmp_path / "artifact", trained.member.parent, trained.trunk.parent)
    assert not (tmp_path / "artifact/members/member/config.json").exists()
    again = Ensemble.from_pretrained(tmp_path / "artifact")
    for one in (*again.reward_models.values(), *joined.reward_models.values()):
        one.model.float()  # in 16 bits, merged weights and adapters beside them round apart as far as is borne
    assert trained.close(again.member_rewards(CONVERSATIONS)[0], joined.member_rewards(CONVERSATIONS)[0])


@pytest.fixture(scope="module")
def scores(trained):
    return score(load_reward_model(trained.member), CONVERSATIONS, batch_size=1)


def test_every_stage_leaves_a_plain_checkpoint(trained):
    for folder in (trained.trunk, trained.member, trained.policy):
        assert not list(folder.glob("adapter_*"))  # a member's stand in a folder beside, as a saved ensemble wants them
        assert json.loads((folder / "config.json").read_text())["dtype"] == (
            "bfloat16" if trained.is_half else "float32"
        )
        assert (folder / "chat_template.jinja").exists()


def test_every_stage_changed_its_weights(trained, families, request):
    name = request.node.callspec.params["trained"][0]
    before = models.load_causal(families[name], dtype=torch.float32)
    for folder in (trained.trunk, trained.policy):
        after = models.load_policy(folder, dtype=torch.float32)[0]
        changed = [
            (after.get_parameter(key) - value).abs().max() > 1e-2
            for key, value in before.named_parameters()
            if key.endswith("q_proj.weight")
        ]
        assert all(changed)
        before = after


def test_the_numbers_of_a_policy_are_finite(trained):
    assert all(torch.tensor(value).isfinite() for value in trained.metrics["policy"].values())
    assert trained.metrics["policy"]["num_prompts"] > 0


@pytest.mark.parametrize("batch_size", [4, 64])
def test_batches_and_padding_change_no_score(trained, scores, batch_size):
    assert trained.close(score(load_reward_model(trained.member), CONVERSATIONS, batch_size), scores)


def test_saving_again_changes_no_score(trained, scores, tmp_path):
    member = load_reward_model(trained.member)
    models.save_model(tmp_path / "again", member.model, member.tokenizer)
    assert torch.equal(score(load_reward_model(tmp_path / "again"), CONVERSATIONS, 1), scores)


def test_the_trained_head_is_the_saved_one(trained):
    drawn = models.reward_model_from(trained.trunk, 0)[0].get_submodule("score").weight
    saved = load_reward_model(trained.member).model.get_submodule("score").weight
    assert (saved - drawn).abs().max() > 1e-2


def test_plain_transformers_give_the_same_scores(trained, scores):
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    model = AutoModelForSequenceClassification.from_pretrained(trained.member)
    tokenizer = AutoTokenizer.from_pretrained(trained.member)
    batch = tokenizer.apply_chat_template(CONVERSATIONS, padding=True, return_dict=True, return_tensors="pt")
    with torch.no_grad():
        assert trained.close(model(**batch).logits[:, 0], scores)


def test_reward_bench_gives_the_same_scores(trained, scores):
    """As rewardbench/rewardbench.py loads a sequence classifier: rendered text, a pipeline that pads on the left."""
    from transformers import AutoModelForSequenceClassification, AutoTokenizer, pipeline

    tokenizer = AutoTokenizer.from_pretrained(trained.member)
    texts = [tokenizer.apply_chat_template(one, tokenize=False) for one in CONVERSATIONS]
    tokenizer.padding_side = "left"
    model = AutoModelForSequenceClassification.from_pretrained(trained.member, device_map="auto")
    reward_pipe = pipeline("text-classification", model=model, tokenizer=tokenizer)
    rewards = reward_pipe(
        texts, batch_size=8, truncation=False, padding=True, max_length=2048, function_to_apply="none",
        return_token_type_ids=False,
    )  # fmt: skip
    assert trained.close(torch.tensor([one["score"] for one in rewards]), scores)


def test_trl_rewards_with_a_member_as_we_do(trained, tmp_path):
    """The member itself as a reward of GRPOTrainer, beside ours as a function."""
    from datasets import Dataset
    from trl import GRPOConfig, GRPOTrainer

    policy, tokenizer = models.load_policy(trained.policy, dtype=torch.float32)
    member = load_reward_model(trained.member)
    own, theirs = [], []

    def ours(prompts, completions, **_):
        own.append(score(member, [p + c for p, c in zip(prompts, completions, strict=True)]))
        return own[-1].tolist()

    reward_model = RewardModel(*loaded_plainly(trained.member))
    reward_model.model.register_forward_hook(lambda module, given, found: theirs.append(found.logits[:, 0].float()))
    config = GRPOConfig(
        tmp_path, max_steps=1, per_device_train_batch_size=8, num_generations=4, max_completion_length=5, bf16=False,
        report_to="none", save_strategy="no", seed=0,
    )  # fmt: skip
    data = Dataset.from_list([{"prompt": user("say red")}, {"prompt": user("say good")}])
    GRPOTrainer(
        policy, [reward_model.model, ours], args=config, train_dataset=data, processing_class=tokenizer,
        reward_processing_classes=[reward_model.tokenizer, None],
    ).train()  # fmt: skip
    assert len(own[0]) == 8
    assert trained.close(theirs[0], own[0])


def loaded_plainly(folder):
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    return AutoModelForSequenceClassification.from_pretrained(folder), AutoTokenizer.from_pretrained(folder)


def test_what_training_sees_is_what_scoring_reads(trained):
    tokenizer = models.load_tokenizer(trained.member)
    ids = scoring.tokenize(tokenizer, CONVERSATIONS[:1])[0]
    assert ids == tokenizer.apply_chat_template(CONVERSATIONS[0])["input_ids"]
    assert ids.count(tokenizer.bos_token_id) == (0 if tokenizer.bos_token_id is None else 1)
