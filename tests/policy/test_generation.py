"""Tests of drawing completions: the same tokens as transformers' own loop where chance plays no part, and no waste."""

import pytest
import torch
from transformers import AutoModelForCausalLM

from rlhf_pipeline import models
from rlhf_pipeline.policy.generation import decode, draw, without_waste
from tests.checkpoints import FAMILIES

LENGTH = 24


def prompts_of(vocab_size, seed=0):
    """Return ids and mask of eight prompts of 3 to 9 tokens, padded on the left; some stand side by side twice."""
    generator = torch.Generator().manual_seed(seed)
    ids, mask = torch.zeros(8, 9, dtype=torch.long), torch.zeros(8, 9, dtype=torch.long)
    for row, like in enumerate([0, 0, 0, 3, 4, 4, 6, 7]):
        length = 3 + like % 7
        ids[row, -length:] = torch.randint(8, vocab_size, (length,), generator=generator)
        mask[row, -length:] = 1
        ids[row] = ids[like]
    return {"input_ids": ids, "attention_mask": mask}


def test_prompts_of_one_length_are_read_without_a_mask(reference):
    model = models.load_policy(reference)[0].eval()
    generator = torch.Generator().manual_seed(0)
    given = {"input_ids": torch.randint(5, model.config.vocab_size, (4, 5), generator=generator)}
    options = {"max_new_tokens": 6, "pad_token_id": 0, "eos_token_id": [1], "do_sample": False}
    mask = torch.ones_like(given["input_ids"])
    with torch.no_grad():
        plain = model.generate(**given, attention_mask=mask, **options)
        own = model.generate(**given, attention_mask=mask, **options, custom_generate=decode)
    assert plain.tolist() == own.tolist()


def completions(model, custom, eos, **options):
    options = {
        "max_new_tokens": LENGTH,
        "pad_token_id": 0,
        "eos_token_id": eos,
        "do_sample": False,
        "repetition_penalty": 1.0,
        **options,
    }
    with torch.no_grad():
        found = model.generate(**prompts_of(model.config.get_text_config().vocab_size), **options, **custom)
    width = 9 + LENGTH
    return torch.nn.functional.pad(found, (0, width - found.shape[1]))[:, 9:]


@pytest.fixture(params=[*FAMILIES, "words"])
def model(request, families, reference):
    """Return a random model of a family; a window, where it has one, is shorter than what is generated."""
    folder = reference if request.param == "words" else families[request.param]
    loaded = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    text = loaded.config.get_text_config()
    if getattr(text, "sliding_window", None):
        text.sliding_window = 8
    # Random weights repeat one token for ever: sharper, they wander.
    with torch.no_grad():
        for weight in loaded.parameters():
            weight.mul_(3.0 if weight.dim() > 1 else 1.0)
    return loaded


def test_without_chance_the_tokens_are_those_of_transformers(model):
    endless = completions(model, {}, eos=[1])
    seen = [row.tolist() for row in endless]
    # An end that rows reach at different places: the middle token of some row.
    end = seen[3][LENGTH // 2]
    plain, own = (completions(model, custom, [end]) for custom in ({}, {"custom_generate": decode}))
    assert plain.tolist() == own.tolist()
    assert len({tuple(row) for row in own.tolist()}) > 1


def test_a_model_that_has_drawn_is_trained_on_what_it_drew(model):
    found = completions(model, {"custom_generate": decode}, [1])
    model.train()(input_ids=found, labels=found).loss.backward()
    assert all(torch.isfinite(weight.grad).all() for weight in model.parameters() if weight.grad is not None)
    assert any(weight.grad.abs().sum() > 0 for weight in model.parameters() if weight.grad is not None)


def test_rows_that_ended_leave_the_batch_and_equal_prompts_are_read_once(reference):
    model = models.load_policy(reference)[0].eval()
    shapes = []
    model.register_forward_pre_hook(lambda _, args, given: shapes.append(given["input_ids"].shape), with_kwargs=True)
    torch.manual_seed(0)
    found = completions(model, {"custom_generate": decode}, [5, 6, 7, 8, 9], do_sample=True, top_k=0)
    assert shapes[0] == (5, 9), "three and two of the eight prompts are the same"
    rows = [shape[0] for shape in shapes[1:]]
    assert rows[0] == 8 or rows[0] <= 6
    assert rows == sorted(rows, reverse=True)
    assert rows[-1] < 8
    ended = (found == 0).sum(dim=1)
    assert ended.max() > ended.min()


def test_a_token_is_drawn_as_often_as_its_chance_says():
    chances = torch.tensor([0.5, 0.0, 0.3, 0.15, 0.05, 0.0])
    torch.manual_seed(1)
    drawn = draw(chances.log().expand(40_000, -1))
    counts = torch.bincount(drawn, minlength=6) / 40_000
    assert counts[[1, 5]].tolist() == [0, 0]
    assert (counts - chances).abs().max() < 4 * (0.25 / 40_000) ** 0.5


def test_a_seed_repeats_its_completions_and_another_gives_others(reference):
    model, options = models.load_policy(reference)[0].eval(), {"do_sample": True, "top_k": 0}
    found = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        found.append(completions(model, {"custom_generate": decode}, [1], **options).tolist())
    assert found[0] == found[1] != found[2]


def test_what_is_no_plain_sampling_is_left_to_transformers(reference):
    model = models.load_policy(reference)[0].eval()
    plain, own = (
        completions(model, custom, [1], num_beams=2) for custom in ({}, {"custom_generate": None})
    )  # fmt: skip
    assert plain.tolist() == own.tolist()
    with torch.no_grad():
        told = without_waste(model).generate(
            **prompts_of(model.config.vocab_size), max_new_tokens=4, pad_token_id=0, eos_token_id=[1],
            return_dict_in_generate=True, output_scores=True,
        )  # fmt: skip
    assert len(told.scores) == 4


def test_a_model_is_changed_once_and_a_copy_generates_with_its_own_weights(reference):
    import copy

    model = without_waste(without_waste(models.load_policy(reference)[0].eval()))
    assert model.generate.keywords == {"custom_generate": decode}
    twin = copy.deepcopy(model)
    with torch.no_grad():
        for weight in twin.parameters():
            weight.normal_()
    assert completions(model, {}, [1]).tolist() != completions(twin, {}, [1]).tolist()


def test_a_model_that_keeps_no_cache_is_refused(reference):
    model = models.load_policy(reference)[0].train()
    model.gradient_checkpointing_enable()
    with pytest.raises(RuntimeError, match="filled no cache"):
        completions(model, {"custom_generate": decode}, [1])
