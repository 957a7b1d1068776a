"""Checkpoints of other makers: where they come from, what is refused, and what is put right."""

import json
import shutil

import huggingface_hub
import pytest
import torch
from huggingface_hub.errors import LocalEntryNotFoundError

from rlhf_pipeline import models
from rlhf_pipeline.models import CheckpointError
from rlhf_pipeline.params import Trunk
from rlhf_pipeline.policy.sampling import sample
from rlhf_pipeline.records import assistant, user, write_json
from rlhf_pipeline.sft import bases
from tests.checkpoints import FAMILIES, add_code, alter

COMMIT = "0123456789abcdef0123456789abcdef01234567"
SAID = [*user("say good"), *assistant("red blue")]


@pytest.fixture
def hub(monkeypatch, families):
    """Stand in for the hub, where every name is a Llama; return what was asked of it."""
    asked = []

    def snapshot_download(name, **options):
        asked.append({"name": name, **options})
        return str(families["llama"])

    monkeypatch.setattr(huggingface_hub, "snapshot_download", snapshot_download)
    return asked


@pytest.fixture
def copy(families, tmp_path):
    """Return a function that copies a family's checkpoint to alter it."""

    def copied(name="llama"):
        return shutil.copytree(families[name], tmp_path / name)

    return copied


def test_a_hub_id_is_fetched_at_its_commit_without_pickles_or_code(hub, families):
    assert bases.resolve(f"org/name@{COMMIT}") == families["llama"]
    (asked,) = hub
    assert (asked["name"], asked["revision"]) == ("org/name", COMMIT)
    assert "*.safetensors" in asked["allow_patterns"]
    assert not {"*.bin", "*.pt", "*.py", "*"} & set(asked["allow_patterns"])


def test_code_is_fetched_only_where_it_is_trusted(hub):
    bases.resolve(f"org/name@{COMMIT}", trust_remote_code=True)
    assert "*.py" in hub[0]["allow_patterns"]


def test_a_file_names_a_checkpoint_of_the_hub(hub, tmp_path, families):
    write_json(tmp_path / "base.json", {"hub": f"org/name@{COMMIT}"})
    assert bases.is_checkpoint(tmp_path / "base.json")
    assert bases.resolve(tmp_path / "base.json") == families["llama"]


def test_what_the_hub_holds_is_read_from_its_cache_without_a_network(families, tmp_path, monkeypatch):
    """Through huggingface_hub itself, on a cache laid out as it lays one out."""
    snapshot = tmp_path / "models--org--name/snapshots" / COMMIT
    shutil.copytree(families["qwen"], snapshot)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr("huggingface_hub._snapshot_download.constants.HF_HUB_OFFLINE", True)
    assert bases.resolve(f"org/name@{COMMIT}") == snapshot
    with pytest.raises(CheckpointError, match=r"org/other@\w+: cannot be fetched from the hub: "):
        bases.resolve(f"org/other@{COMMIT}")


@pytest.mark.parametrize("error", [LocalEntryNotFoundError("no network\nmore"), OSError("401"), ValueError("bad")])
def test_what_the_hub_says_becomes_one_line(monkeypatch, error):
    def fail(*_, **__):
        raise error

    monkeypatch.setattr(huggingface_hub, "snapshot_download", fail)
    with pytest.raises(CheckpointError, match="cannot be fetched from the hub") as found:
        bases.resolve(f"org/name@{COMMIT}")
    assert "\n" not in str(found.value)


@pytest.mark.parametrize(
    ("base", "reason"),
    [
        ("org/name", "organisation/name@commit"),
        ("org/name@main", "the commit's 40 digits"),
        ("no/such/folder", "neither"),
    ],
)
def test_what_names_no_fixed_weights_is_refused(base, reason):
    with pytest.raises(CheckpointError, match=reason):
        bases.resolve(base)


def test_a_hub_id_in_params_is_told_to_go_into_a_file(families):
    with pytest.raises(ValueError, match="into a JSON file and name that file here"):
        Trunk(base=f"org/name@{COMMIT}")
    assert Trunk(base=str(families["llama"])).trust_remote_code is False


def test_pickled_weights_are_refused(copy):
    folder = copy()
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises(CheckpointError, match="no weights in safetensors"):
        bases.load(folder, 0)


@pytest.mark.parametrize("name", FAMILIES)
def test_pad_end_and_template_of_every_family_are_put_right(families, name):
    model, tokenizer = bases.load(families[name], 0)
    assert tokenizer.pad_token_id not in (None, tokenizer.eos_token_id)
    assert tokenizer.eos_token == FAMILIES[name]["ends"]
    rendered = tokenizer.apply_chat_template(SAID)["input_ids"]
    assert rendered.count(tokenizer.eos_token_id) >= 2
    assert tokenizer.pad_token_id not in rendered
    for config in (model.config, model.generation_config):
        assert (config.pad_token_id, config.eos_token_id) == (tokenizer.pad_token_id, tokenizer.eos_token_id)
    assert model.generation_config.repetition_penalty in (None, 1.0)


@pytest.mark.parametrize("name", FAMILIES)
def test_what_was_put_right_is_saved_and_samples(families, name, tmp_path):
    models.save_model(tmp_path / "trunk", *bases.load(families[name], 0))
    model, tokenizer = models.load_policy(tmp_path / "trunk")
    drawn = sample(model, tokenizer, [user("say good")], num_samples=4, max_new_tokens=8, seed=0)[0]
    assert all((one.completion_ids[-1] == tokenizer.eos_token_id) != one.is_truncated for one in drawn)
    assert json.loads((tmp_path / "trunk/generation_config.json").read_text())["do_sample"] is True


def test_embeddings_grow_only_where_tokens_lack_them(families):
    llama, tokenizer = bases.load(families["llama"], 0)
    assert llama.get_input_embeddings().weight.shape[0] == len(tokenizer) == llama.config.vocab_size
    before = models.load_causal(families["llama"]).get_input_embeddings().weight
    assert torch.equal(llama.get_input_embeddings().weight[:-1], before)
    again, _ = bases.load(families["llama"], 0)
    assert torch.equal(llama.get_input_embeddings().weight, again.get_input_embeddings().weight)


def test_a_tokenizer_that_pads_with_its_end_gets_another(copy):
    folder = copy("qwen")
    alter(folder, "tokenizer_config.json", pad_token="<|im_end|>")
    _, tokenizer = bases.load(folder, 0)
    assert tokenizer.pad_token == models.PAD


def test_a_template_that_tells_the_day_tells_always_the_same(families):
    _, tokenizer = bases.load(families["llama"], 0)
    assert "Today: 26 Jul 2024<|eot_id|>" in tokenizer.apply_chat_template(SAID, tokenize=False)


def test_without_a_template_one_is_asked_for_and_taken(copy):
    folder = copy()
    (folder / "chat_template.jinja").unlink()
    with pytest.raises(CheckpointError, match=r"no chat template; .* sft\.trunks\.<name>\.chat_template"):
        bases.load(folder, 0)
    given = "{% for m in messages %}{{ m.role }}: {{ m.content }}{{ eos_token }}{% endfor %}"
    _, tokenizer = bases.load(folder, 0, chat_template=given)
    assert tokenizer.apply_chat_template(SAID, tokenize=False).endswith("assistant: red blue<|end_of_text|>")


def test_a_template_that_ends_no_reply_is_refused(families):
    with pytest.raises(CheckpointError, match="ends a reply with no special token"):
        bases.load(families["qwen"], 0, chat_template="{% for m in messages %}{{ m.content }}\n{% endfor %}")


@pytest.fixture
def with_code(copy):
    """Return a checkpoint whose model is defined by a file beside it."""
    folder = add_code(copy())
    write_json(folder / models.REMOTE_CODE, {"trust_remote_code": True})  # a stranger's mark counts for nothing
    return folder


def test_a_checkpoints_own_code_does_not_run_unless_trusted(with_code):
    with pytest.raises(CheckpointError, match=r"not run unless trusted; .*trust_remote_code: true$") as found:
        bases.load(with_code, 0)
    assert "\n" not in str(found.value)


def test_trusted_code_is_marked_and_runs_in_later_stages(with_code, families, tmp_path):
    models.save_model(tmp_path / "trunk", *bases.load(with_code, 0, trust_remote_code=True))
    assert models.runs_remote_code(tmp_path / "trunk")
    models.save_model(tmp_path / "member", *models.reward_model_from(tmp_path / "trunk", 0))
    assert type(models.load_policy(tmp_path / "trunk")[0]).__name__ == "Own"
    assert models.runs_remote_code(tmp_path / "member")
    assert models.remote_code_tag(tmp_path / "member") == {"trust_remote_code": "true"}
    models.save_model(tmp_path / "plain", *bases.load(families["llama"], 0))
    assert not models.runs_remote_code(tmp_path / "plain")
    assert models.remote_code_tag(tmp_path / "plain") == {}
