import pytest
import torch

from rlhf_pipeline import models
from rlhf_pipeline.checkpoints import latest
from rlhf_pipeline.models import CheckpointError
from rlhf_pipeline.records import assistant, hash_folder, user
from rlhf_pipeline.sft.training import Params, create_or_load, tokenize, train
from rlhf_pipeline.training import DivergedError

PARAMS = Params(batch_size=8, num_epochs=6, learning_rate=0.02, tokenizer="words", max_length=24)
ROWS = [
    {"prompt": user(f"say {letter} {number}"), "completion": assistant(f"{letter} and {letter} .")}
    for letter in "abcdefgh"
    for number in ("one", "two", "three", "four", "five")
]
LONG = {"prompt": user("say a one"), "completion": assistant("a and " * 20)}


@pytest.fixture(scope="module")
def trained(tiny_architecture, tmp_path_factory):
    """Train a trunk on 40 short rows and one that is too long; return what came back and its folder."""
    folder = tmp_path_factory.mktemp("sft")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        return train(tiny_architecture, [*ROWS, LONG], PARAMS, 0, folder / "trunk"), folder / "trunk"


@pytest.fixture(scope="module")
def tokenizer(trained):
    return models.load_tokenizer(trained[1])


def test_the_loss_falls(trained):
    curve = trained[0]["curve"]
    assert curve[-1]["loss"] < 0.6 * curve[0]["loss"]
    assert all(row.keys() == {"step", "loss"} for row in curve)


def test_a_row_that_is_too_long_is_cut_and_counted(trained):
    metrics = trained[0]["metrics"]
    assert (metrics["num_demonstrations"], metrics["num_truncated"]) == (41, 1)
    assert metrics["num_parameters"] > 1000
    assert all(isinstance(value, int | float) for value in metrics.values())


def test_the_saved_trunk_says_what_it_was_shown(trained):
    model, tokenizer = models.load_policy(trained[1])
    opened = tokenizer.apply_chat_template(user("say c two"), add_generation_prompt=True, return_tensors="pt")
    with torch.no_grad():
        logits = model(opened["input_ids"]).logits[0, -1]
    assert tokenizer.decode(logits.argmax()) in set("abcdefgh")


def test_only_the_completion_and_its_end_are_learned(tokenizer):
    rows, num_truncated = tokenize(ROWS[:3], tokenizer, 24)
    assert num_truncated == 0
    for row, source in zip(rows, ROWS, strict=False):
        learned = [label for label in row["labels"] if label != -100]
        assert tokenizer.decode(learned) == f"{source['completion'][0]['content']} {models.END}"
        assert row["input_ids"][-len(learned) :] == learned
        assert len(row["labels"]) == len(row["input_ids"])


def test_a_cut_row_keeps_its_prompt_and_loses_its_end(tokenizer):
    (row,), num_truncated = tokenize([LONG], tokenizer, 10)
    assert num_truncated == 1
    assert len(row["input_ids"]) == len(row["labels"]) == 10
    assert row["input_ids"][-1] != tokenizer.eos_token_id


def test_the_same_seed_trains_the_same_trunk(trained, tiny_architecture, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    again = train(tiny_architecture, [*ROWS, LONG], PARAMS, 0, tmp_path / "trunk")
    assert again == trained[0]
    first, second = (models.load_policy(folder)[0] for folder in (trained[1], tmp_path / "trunk"))
    assert all(torch.equal(a, b) for a, b in zip(first.parameters(), second.parameters(), strict=True))


# Six steps a pass: in the middle of the first and of a later one, at the end of one, at the last step, while saving.
@pytest.mark.parametrize("end", [{"step": 6}, {"step": 7}, {"step": 23}, {"step": 36}, {"writing": 10}])
def test_a_killed_training_goes_on_to_the_same_trunk(trained, tiny_architecture, tmp_path, killed_at, end):
    params = PARAMS.model_copy(update={"save_fraction": 0.16})  # every 5 or 6 of 36 steps

    def run():
        return train(tiny_architecture, [*ROWS, LONG], params, 0, tmp_path / "trunk", tmp_path / "checkpoints")

    killed_at(run, **end)
    assert latest(tmp_path / "checkpoints")
    assert run() == trained[0]
    assert hash_folder(tmp_path / "trunk") == hash_folder(trained[1])


def test_a_loss_that_is_nan_stops_before_the_weights_and_names_the_demonstrations(
    tiny_architecture, tmp_path, monkeypatch
):
    from trl import SFTTrainer

    real, seen = SFTTrainer.compute_loss, []

    def compute_loss(self, model, inputs, *args, **kwargs):
        seen.append(inputs["input_ids"])
        loss = real(self, model, inputs, *args, **kwargs)
        return loss * float("nan") if len(seen) == 20 else loss

    monkeypatch.setattr(SFTTrainer, "compute_loss", compute_loss)
    with pytest.raises(DivergedError, match="loss is nan at step 20, rows: ") as error:
        train(tiny_architecture, ROWS, PARAMS, 0, tmp_path / "trunk", tmp_path / "checkpoints")
    lines = str(error.value).partition("rows: ")[2].split(", ")
    (checkpoint,) = (tmp_path / "checkpoints").glob("checkpoint-*")
    model, tokenizer = models.load_policy(checkpoint)
    expected, _ = tokenize([ROWS[int(line) - 1] for line in lines], tokenizer, 24)
    assert [row["input_ids"] for row in expected] == [
        [token for token in ids if token != tokenizer.pad_token_id] for ids in seen[-1].tolist()
    ]
    assert all(parameter.isfinite().all() for parameter in model.parameters())
    assert not (tmp_path / "trunk").exists()


def test_a_checkpoint_is_trained_on_with_its_own_tokenizer(trained):
    model, tokenizer = create_or_load(trained[1], [{"prompt": user("never seen"), "completion": []}], "words", 0)
    assert tokenizer.get_vocab() == models.load_tokenizer(trained[1]).get_vocab()
    assert torch.equal(model.lm_head.weight, models.load_policy(trained[1])[0].lm_head.weight)


def test_a_base_that_is_nothing_is_refused(tmp_path):
    with pytest.raises(CheckpointError, match="neither an architecture"):
        create_or_load(tmp_path / "nowhere", ROWS, "words", 0)
