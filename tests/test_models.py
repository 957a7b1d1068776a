import json
import shutil

import pytest
import torch

from rlhf_pipeline.models import (
    END,
    CheckpointError,
    architecture_vocab_size,
    create_model,
    load_policy,
    load_tokenizer,
    reward_model_from,
    save_model,
    train_tokenizer,
)
from rlhf_pipeline.records import assistant, user


@pytest.fixture(scope="module", params=["bpe", "words"])
def tokenizer(request):
    return train_tokenizer(iter(["the fox runs .", "a calm dog rests ."] * 5), 300, request.param)


def flat(model):
    return torch.cat([p.detach().flatten() for p in model.parameters()])


def altered(trunk, folder, **fields):
    """Copy a checkpoint with other fields in the tokenizer's configuration."""
    shutil.copytree(trunk, folder)
    path = folder / "tokenizer_config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | fields))
    return folder


def test_padding_is_no_end(tokenizer):
    assert tokenizer.pad_token_id != tokenizer.eos_token_id
    assert tokenizer.padding_side == "right"


def test_a_conversation_ends_each_message_and_opens_the_reply(tokenizer):
    said = [*user("the fox"), *assistant("runs .")]
    assert tokenizer.apply_chat_template(said, tokenize=False) == "<|user|>the fox<|end|><|assistant|>runs .<|end|>"
    opened = tokenizer.apply_chat_template(user("the fox"), tokenize=False, add_generation_prompt=True)
    assert tokenizer.apply_chat_template(said, tokenize=False).startswith(opened)
    ids = tokenizer(opened + "runs .<|end|>", add_special_tokens=False)["input_ids"]
    assert ids.count(tokenizer.eos_token_id) == 2


def test_bpe_reads_any_text_and_gives_it_back():
    tokenizer = train_tokenizer(iter(["the fox runs ."] * 5), 300, "bpe")
    for text in ("Größe? 数 {x: 1}\n\ttab", "the fox runs .", "😀"):
        ids = tokenizer(text, add_special_tokens=False)["input_ids"]
        assert tokenizer.unk_token_id not in ids
        assert tokenizer.decode(ids).strip() == text.strip()


def test_words_that_were_never_seen_are_unknown():
    tokenizer = train_tokenizer(iter(["the fox runs ."]), 300, "words")
    ids = tokenizer("the dog runs", add_special_tokens=False)["input_ids"]
    assert [i == tokenizer.unk_token_id for i in ids] == [False, True, False]


def test_weights_follow_the_seed(tokenizer, tiny_architecture):
    first, again, other = (create_model(tiny_architecture, tokenizer, seed) for seed in (1, 1, 2))
    assert torch.equal(flat(first), flat(again))
    assert not torch.equal(flat(first), flat(other))
    assert first.config.vocab_size == len(tokenizer) <= architecture_vocab_size(tiny_architecture)


def test_a_saved_model_is_safetensors_and_comes_back_the_same(tokenizer, tiny_architecture, tmp_path):
    model = create_model(tiny_architecture, tokenizer, 1)
    save_model(tmp_path / "new", model, tokenizer)
    assert {path.suffix for path in (tmp_path / "new").iterdir()} <= {".json", ".jinja", ".safetensors"}
    loaded, its_tokenizer = load_policy(tmp_path / "new")
    assert torch.equal(flat(loaded), flat(model))
    assert (loaded.training, loaded.dtype) == (False, torch.float32)
    said = [*user("the fox"), *assistant("runs .")]
    assert its_tokenizer.apply_chat_template(said) == tokenizer.apply_chat_template(said)
    assert its_tokenizer.convert_tokens_to_ids(END) == its_tokenizer.eos_token_id


def test_a_reward_model_has_the_trunks_weights_and_a_head_of_its_own(tiny_trunk):
    trunk, tokenizer = load_policy(tiny_trunk)
    first, again, other = (reward_model_from(tiny_trunk, seed)[0] for seed in (1, 1, 2))
    assert torch.equal(flat(first.model), flat(trunk.model))
    assert torch.equal(first.score.weight, again.score.weight)
    assert not torch.equal(first.score.weight, other.score.weight)
    assert first.score.weight.shape == (1, 16)
    assert first.config.pad_token_id == tokenizer.pad_token_id


def test_a_tokenizer_without_a_template_is_refused(tiny_trunk, tmp_path):
    folder = altered(tiny_trunk, tmp_path / "bare")
    (folder / "chat_template.jinja").unlink()
    with pytest.raises(CheckpointError, match="no chat template"):
        load_tokenizer(folder)


def test_a_tokenizer_without_padding_is_refused(tiny_trunk, tmp_path):
    with pytest.raises(CheckpointError, match="no pad token"):
        load_tokenizer(altered(tiny_trunk, tmp_path / "bare", pad_token=None))
