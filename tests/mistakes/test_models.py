"""Mistakes in checkpoints, tokenizers and reward models, and what a model cannot read."""

import json
import math
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from rlhf_pipeline.records import user, write_rows
from tests.mistakes.table import Make, Mistake, assign, both, cases, check, put

BASE, TRUNK, MEMBER, OUT = "base", "data/sft/trunks/first", "data/rewards/members/a", "data/sft/trunks/second"
TRAINED = (OUT, "data/sft/metrics/second.json")
AUDITED = ("data/validation/verdict.json", "data/validation/audit.json")
TUNED = ("data/policy",)


def checkpoint(spoil: Make) -> Make:
    """Return what gives the trunk `second` a checkpoint of the user's, spoilt."""

    def make(project: Path) -> None:
        shutil.copytree(project / TRUNK, project / BASE)
        spoil(project / BASE)

    return both(make, assign("sft.trunks.second.base", BASE))


def without(*patterns: str) -> Make:
    """Return what deletes files of a folder."""
    return lambda folder: [path.unlink() for pattern in patterns for path in folder.glob(pattern)]


def truncated(name: str) -> Make:
    """Return what cuts a file in two."""
    return lambda folder: (folder / name).write_bytes(
        (folder / name).read_bytes()[: (folder / name).stat().st_size // 2]
    )


def inside(folder: str, spoil: Make) -> Make:
    """Return what spoils a folder of the project."""
    return lambda project: spoil(project / folder)


def edited(name: str, **fields: object) -> Make:
    """Return what writes fields of a JSON file; None takes one out."""

    def make(folder: Path) -> None:
        content = json.loads((folder / name).read_text()) | fields
        (folder / name).write_text(json.dumps({key: value for key, value in content.items() if value is not None}))

    return make


def pickled(folder: Path) -> None:
    torch.save(load_file(folder / "model.safetensors"), folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()


def scoring(number: float) -> Make:
    """Return what lets a reward model give one number, whatever it reads."""

    def make(folder: Path) -> None:
        weights = load_file(folder / "model.safetensors")
        weights["score.weight"] = torch.full_like(weights["score.weight"], number)
        save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})

    return make


def fewer_embeddings(folder: Path) -> None:
    """Take the embeddings of the last tokens away, as a model saved before tokens were added to its tokenizer."""
    weights = load_file(folder / "model.safetensors")
    weights["model.embed_tokens.weight"] = weights["model.embed_tokens.weight"][:-4].clone()
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    edited("config.json", vocab_size=len(weights["model.embed_tokens.weight"]))(folder)


def long_prompts(project: Path) -> None:
    write_rows(project / "data/curation/policy_prompts.jsonl", [{"id": "p", "prompt": user("say good " * 40)}])


def long_pairs(project: Path) -> None:
    path = project / "data/denoising/train.jsonl"
    path.write_text(path.read_text().replace("say ", "say " * 60))


def base(name: str, spoil: Make, *says: str) -> Mistake:
    """Return the row of a checkpoint that a trunk cannot begin from."""
    return Mistake(name, checkpoint(spoil), "sft second", 1, ("error: base: ", *says), absent=TRAINED)


def member(name: str, spoil: Make, *says: str) -> Mistake:
    """Return the row of a reward model that cannot be audited."""
    return Mistake(name, inside(MEMBER, spoil), "validation", 1, ("error: ", *says), absent=AUDITED)


ROWS = [
    Mistake(
        "no such checkpoint",
        assign("sft.trunks.second.base", "nowhere"),
        "sft second",
        1,
        ("error: nowhere: neither an architecture (JSON file) nor a checkpoint (folder)", "organisation/name@commit"),
        absent=TRAINED,
    ),
    Mistake(
        "hub id in place of a path",
        assign("sft.trunks.second.base", "org/name@main"),
        "sft second",
        1,
        ("error: params.yaml: sft.trunks.second.base", "into a JSON file and name that file here"),
        absent=TRAINED,
    ),
    Mistake(
        "hub id of a branch",
        both(put("hub.json", '{"hub": "org/name@main"}'), assign("sft.trunks.second.base", "hub.json")),
        "sft second",
        1,
        ("error: org/name@main: 'main' can come to mean other weights", "40 digits"),
        absent=TRAINED,
    ),
    Mistake(
        "architecture that is no JSON",
        both(
            put("arch.json", '{"model_type": "llama",\n"vocab_size" 3}'), assign("sft.trunks.second.base", "arch.json")
        ),
        "sft second",
        1,
        ("error: arch.json:2: not JSON at column 14", "correct the line"),
        absent=TRAINED,
    ),
    base(
        "checkpoint without weights",
        without("*.safetensors"),
        "no weights in safetensors",
        "save it with save_pretrained",
    ),
    base("checkpoint with pickled weights only", pickled, "no weights in safetensors", "Pickled weights can run code"),
    base(
        "truncated weights",
        truncated("model.safetensors"),
        "the model cannot be read",
        "copy or save the checkpoint again",
    ),
    base("truncated configuration", truncated("config.json"), "cannot be read", "copy or save the checkpoint again"),
    base(
        "truncated tokenizer",
        truncated("tokenizer.json"),
        "the tokenizer cannot be read",
        "copy or save the checkpoint again",
    ),
    base(
        "tokenizer without a chat template",
        without("chat_template.jinja"),
        "the tokenizer has no chat template",
        "put chat_template.jinja into the folder",
    ),
    Mistake(
        "trunk whose tokenizer has no pad token",
        inside(TRUNK, edited("tokenizer_config.json", pad_token=None)),
        "rewards a",
        1,
        (f"error: {TRUNK}: the tokenizer has no pad token", "set one that is not the end token"),
        absent=("data/rewards/metrics/a.json",),
    ),
    Mistake(
        "trunk with fewer embeddings than tokens",
        inside(TRUNK, fewer_embeddings),
        "rewards a",
        1,
        (f"error: {TRUNK}: the tokenizer has 25 tokens and the model 21 embeddings", "resize_token_embeddings(25)"),
        absent=("data/rewards/metrics/a.json",),
    ),
    Mistake(
        "policy's reference with fewer embeddings than tokens",
        inside(TRUNK, fewer_embeddings),
        "policy",
        1,
        (f"error: {TRUNK}: the tokenizer has 25 tokens", "resize_token_embeddings(25)"),
        absent=TUNED,
    ),
    member("member with fewer embeddings than tokens", fewer_embeddings, f"{MEMBER}: the tokenizer has 25 tokens"),
    member("member without weights", without("*.safetensors"), f"{MEMBER}: no weights in safetensors"),
    member(
        "reward that is NaN",
        scoring(math.nan),
        "member 'a' gave",
        "NaN or infinite",
        "train it again",
        "or take it out of rewards.members",
    ),
    member(
        "reward that is constant",
        scoring(0.0),
        "member 'a' gives each of",
        "the reward 0;",
        "train it again",
        "or take it out of rewards.members",
    ),
    Mistake(
        "member altered after its audit",
        inside(MEMBER, edited("config.json", note="x")),
        "policy",
        1,
        ("error: member 'a' was altered since validation", MEMBER),
        absent=TUNED,
    ),
    Mistake(
        "prompts longer than the context",
        long_prompts,
        "policy",
        1,
        (
            "error: none of 1 prompts has at most 58 tokens",
            "model's context 64",
            "raise policy.settings.max_length or lower max_completion_length",
        ),
        absent=TUNED,
    ),
    Mistake(
        "pairs longer than max_length",
        long_pairs,
        "rewards a",
        1,
        ("error: none of 8 pairs has at most 32 tokens", "raise rewards.settings.max_length"),
        absent=("data/rewards/metrics/a.json",),
    ),
]


@cases(ROWS)
def test_a_mistake_in_models_is_told(row: Mistake, project: Path, capfd: pytest.CaptureFixture[str]) -> None:
    check(row, project, capfd)


def test_a_base_with_fewer_embeddings_than_tokens_is_put_right(
    project: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """It is no mistake there: `sft` adds the embeddings, and every later stage finds them."""
    from safetensors import safe_open

    row = Mistake("put right", checkpoint(fewer_embeddings), "sft second", 0, (), whole=TRAINED)
    check(row, project, capfd)
    with safe_open(project / OUT / "model.safetensors", "pt") as weights:
        assert weights.get_slice("model.embed_tokens.weight").get_shape()[0] == 25
