"""Reward models of other makers, kept as they are: the same scores, and one line where one cannot be kept."""

import shutil
from pathlib import Path

import pytest
import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from rlhf_pipeline import models
from rlhf_pipeline.models import CheckpointError
from rlhf_pipeline.records import assistant, user, write_json
from rlhf_pipeline.scoring import TOLERANCE, load_reward_model, score
from rlhf_pipeline.sft import bases, ready
from tests.checkpoints import add_code, alter

SAID = [user("say good") + assistant(" ".join(["red"] * n)) for n in (1, 3, 9, 20)]


def write(folder: Path, base: Path, num_labels: int = 1) -> Path:
    """Write a reward model as makers ship one, its first token written by the tokenizer too."""
    tokenizer = AutoTokenizer.from_pretrained(base)
    torch.manual_seed(1)
    model = AutoModelForSequenceClassification.from_pretrained(base, num_labels=num_labels)
    if tokenizer.pad_token is None:
        tokenizer.add_special_tokens({"pad_token": "<pad>"})
        model.resize_token_embeddings(len(tokenizer))
    model.config.pad_token_id = tokenizer.pad_token_id
    model.score.weight.data.mul_(20)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def shipped(families, tmp_path_factory):
    home = tmp_path_factory.mktemp("shipped")
    return {name: write(home / name, families[name]) for name in ("llama", "qwen", "gemma")}


@pytest.fixture
def copy(shipped, tmp_path):
    """Return a function that copies a reward model to alter it."""
    return lambda name="qwen": shutil.copytree(shipped[name], tmp_path / name)


def makers_scores(folder: Path, padding_side: str | None = None) -> torch.Tensor:
    """Return scores as the maker's own example would give them, one by one or padded."""
    model = AutoModelForSequenceClassification.from_pretrained(folder)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    # A template that asks for today's date gives the maker another prompt every day.
    tokenizer.chat_template = bases.TODAY.sub(bases.FIXED_DAY, tokenizer.chat_template)
    with torch.no_grad():
        if padding_side is None:
            ids = [tokenizer.apply_chat_template(one)["input_ids"] for one in SAID]
            return torch.stack([model(torch.tensor([row])).logits[0, 0] for row in ids])
        tokenizer.padding_side = padding_side
        batch = tokenizer.apply_chat_template(SAID, padding=True, return_dict=True, return_tensors="pt")
        return model(**batch).logits[:, 0]


@pytest.mark.parametrize("name", ["llama", "qwen", "gemma"])
def test_scores_before_and_after_are_equal_padded_or_not(shipped, name, tmp_path):
    expected = makers_scores(shipped[name])
    assert expected.std() > 100 * TOLERANCE  # otherwise nothing could fail
    ready.keep(shipped[name], tmp_path / "kept")
    kept = load_reward_model(tmp_path / "kept")
    found = [score(kept, SAID, batch_size) for batch_size in (1, 2, 64)]
    found += [makers_scores(tmp_path / "kept", side) for side in (None, "left", "right")]
    found += [makers_scores(shipped[name], side) for side in ("left", "right")]
    for scores in found:
        assert torch.allclose(scores, expected, rtol=0, atol=TOLERANCE)


def test_weights_stay_as_they_are_in_their_precision(copy, tmp_path):
    folder = copy()
    AutoModelForSequenceClassification.from_pretrained(folder, dtype=torch.bfloat16).save_pretrained(folder)
    ready.keep(folder, tmp_path / "kept")
    before, after = (
        AutoModelForSequenceClassification.from_pretrained(f).state_dict() for f in (folder, tmp_path / "kept")
    )
    assert after["score.weight"].dtype == torch.bfloat16
    assert all(torch.equal(value, after[key]) for key, value in before.items())


def test_a_file_that_names_one_of_the_hub_is_taken(shipped, tmp_path, monkeypatch):
    commit = "0" * 40
    monkeypatch.setattr("huggingface_hub.snapshot_download", lambda name, **_: str(shipped["qwen"]))
    write_json(tmp_path / "reward.json", {"hub": f"org/reward@{commit}"})
    assert ready.load(tmp_path / "reward.json")[0].config.num_labels == 1


def no_weights(folder):
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")


def no_template(folder):
    (folder / "chat_template.jinja").unlink()


def no_head(folder):
    from safetensors.torch import load_file, save_file

    weights = load_file(folder / "model.safetensors")
    del weights["score.weight"]
    save_file(weights, folder / "model.safetensors", {"format": "pt"})


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (no_weights, "no weights in safetensors"),
        (no_template, "no chat template"),
        (no_head, r"missing and would be random: score\.weight"),
        (lambda f: alter(f, "config.json", architectures=["Qwen3ForCausalLM"]), "no sequence classifier"),
        (lambda f: alter(f, "config.json", architectures=None), "no sequence classifier"),
        (lambda f: alter(f, "tokenizer_config.json", pad_token=None), "no pad token"),
        (lambda f: alter(f, "tokenizer_config.json", pad_token="<|im_end|>"), "pads with its end token"),
        (lambda f: alter(f, "config.json", pad_token_id=5), "pad_token_id is 5 in config.json and 0 in the tokenizer"),
        (lambda f: alter(f, "config.json", id2label={"0": "a", "1": "b"}, label2id=None), "one output, this one has 2"),
    ],
)
def test_what_cannot_be_kept_is_refused_in_one_line(copy, spoil, reason):
    folder = copy()
    spoil(folder)
    with pytest.raises(CheckpointError, match=reason) as found:
        ready.load(folder)
    assert "\n" not in str(found.value)


def test_a_pad_token_that_only_the_configuration_lacks_is_set_and_changes_no_score(copy, shipped, tmp_path):
    folder = copy()
    alter(folder, "config.json", pad_token_id=None)
    ready.keep(folder, tmp_path / "kept")
    found = score(load_reward_model(tmp_path / "kept"), SAID)
    assert torch.allclose(found, makers_scores(folder), rtol=0, atol=TOLERANCE)


def test_a_template_may_be_given(copy):
    folder = copy()
    given = (folder / "chat_template.jinja").read_text()
    no_template(folder)
    assert ready.load(folder, chat_template=given)[1].chat_template == given


def test_an_architecture_is_no_ready_model(tiny_architecture):
    with pytest.raises(CheckpointError, match="an architecture is no ready model"):
        ready.load(tiny_architecture)


def test_a_reward_model_is_no_base_of_a_language_model(shipped):
    with pytest.raises(CheckpointError, match="write ready: true"):
        bases.load(shipped["qwen"], 0)


def test_a_reward_models_own_code_runs_only_where_it_is_trusted(copy, tmp_path):
    folder = copy("llama")
    expected = makers_scores(folder)
    add_code(folder, "OwnClassifier")
    with pytest.raises(CheckpointError, match="not run unless trusted"):
        ready.load(folder)
    ready.keep(folder, tmp_path / "kept", trust_remote_code=True)
    kept = load_reward_model(tmp_path / "kept")
    assert (type(kept.model).__name__, models.runs_remote_code(tmp_path / "kept")) == ("OwnClassifier", True)
    assert torch.allclose(score(kept, SAID), expected, rtol=0, atol=TOLERANCE)
