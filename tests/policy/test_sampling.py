import random

import pytest
import torch

from rlhf_pipeline import models
from rlhf_pipeline.policy.sampling import completion_logps, render_prompts
from rlhf_pipeline.records import user


@pytest.fixture(scope="module")
def policy(reference):
    return models.load_policy(reference)


@pytest.fixture(scope="module")
def drawn(policy):
    """Return prompts and completions of 1 to 30 tokens."""
    rng, tokenizer = random.Random(0), policy[1]
    prompts = [user(f"paint {' '.join(rng.choices(['red', 'blue', 'green'], k=rng.randint(1, 6)))}") for _ in range(24)]
    words = tokenizer.convert_tokens_to_ids(["red", "blue", "green", "grey"])
    return prompts, [[*rng.choices(words, k=rng.randint(0, 29)), tokenizer.eos_token_id] for _ in prompts]


def one_by_one(model, tokenizer, prompts, completions):
    """Return what the definition gives, token after token."""
    found = []
    for text, completion in zip(render_prompts(tokenizer, prompts), completions, strict=True):
        ids = tokenizer(text, add_special_tokens=False)["input_ids"]
        total = 0.0
        for number, token in enumerate(completion):
            with torch.no_grad():
                logits = model(torch.tensor([ids + completion[:number]])).logits[0, -1]
            total += float(logits.log_softmax(-1)[token])
        found.append(total)
    return torch.tensor(found)


@pytest.mark.parametrize("tokens", [1, 40, 100, 10_000])
def test_logits_at_once_bound_every_pass_and_change_no_number(policy, drawn, tokens):
    model, tokenizer = policy
    shapes = []
    hook = model.register_forward_hook(lambda module, given, found: shapes.append(found.logits.shape))
    found = completion_logps(model, tokenizer, *drawn, logits_at_once=tokens * model.config.vocab_size)
    hook.remove()
    assert all(rows == 1 or rows * length <= tokens for rows, length, _ in shapes)
    assert sum(rows for rows, _, _ in shapes) == 24
    assert len(shapes) == {1: 24, 10_000: 1}.get(tokens, len(shapes))
    assert torch.allclose(found, completion_logps(model, tokenizer, *drawn), rtol=0, atol=1e-4)


def test_a_log_probability_is_summed_over_the_completion_alone(policy, drawn):
    prompts, completions = drawn[0][:5], drawn[1][:5]
    found = completion_logps(*policy, prompts, completions)
    assert torch.allclose(found, one_by_one(*policy, prompts, completions), rtol=0, atol=1e-4)


def test_batches_hold_at_most_so_many_rows(policy, drawn):
    model, tokenizer = policy
    rows = []
    hook = model.register_forward_hook(lambda module, given, found: rows.append(len(found.logits)))
    completion_logps(model, tokenizer, *drawn, batch_size=10)
    hook.remove()
    assert rows == [10, 10, 4]
