"""Tests of reading a batch in parts: the same log-probabilities and gradients as TRL's, with fewer columns."""

from types import SimpleNamespace

import pytest
import torch

from rlhf_pipeline import models, prefixes
from rlhf_pipeline.policy import padding
from rlhf_pipeline.policy.padding import columns, trimmed

PROMPT, COMPLETION = 6, 9


@pytest.fixture(params=[1, 8], ids=["alone", "eight of each prompt, shuffled"])
def batch(request):
    """Forty rows of prompts padded on the left and completions padded on the right."""
    generator = torch.Generator().manual_seed(0)
    ids = torch.randint(5, 20, (40, PROMPT + COMPLETION), generator=generator)
    shuffled = torch.randperm(40, generator=generator) // request.param
    ids[:, :PROMPT] = ids[shuffled, :PROMPT]
    starts = torch.randint(2, PROMPT, (40, 1), generator=generator)[shuffled]
    starts[shuffled == 0] = PROMPT - 1  # of one token, which leaves nothing to share
    ends = PROMPT + torch.randint(1, COMPLETION - 1, (40, 1), generator=generator)
    places = torch.arange(PROMPT + COMPLETION)
    return ids, ((places >= starts) & (places < ends)).long()


def trainer_of(kind):
    """Return TRL's method and ours on an object that is no trainer."""
    import trl

    base = {"grpo": trl.GRPOTrainer, "rloo": trl.RLOOTrainer}[kind]
    made = object.__new__(trimmed(base))
    made.accelerator = SimpleNamespace(
        autocast=torch.enable_grad, is_main_process=False, num_processes=1, unwrap_model=lambda model: model
    )
    made.args = SimpleNamespace(report_to=[])
    return made, base


@pytest.mark.parametrize("kind", ["grpo", "rloo"])
def test_log_probabilities_entropies_and_gradients_are_those_of_trl(kind, batch, tiny_trunk, monkeypatch):
    from trl.trainer.utils import add_fused_lm_head

    monkeypatch.setattr(padding, "LEAST_ROWS", 8)
    made, base = trainer_of(kind)
    ids, mask = batch
    found = []
    ids = ids.where(mask.bool(), 0)
    for read in (base._get_per_token_logps_and_entropies, type(made)._get_per_token_logps_and_entropies):
        own = models.load_policy(tiny_trunk)[0].double()  # a gradient's long sums round apart in single precision
        add_fused_lm_head(own, outputs=("log_probs", "entropy"))
        logps, entropies, *_ = read(made, own, ids, mask, COMPLETION, compute_entropy=True)
        kept = mask[:, -COMPLETION:]
        (logps * kept).sum().backward()
        found.append((logps * kept, entropies * kept, own.model.embed_tokens.weight.grad))
    for theirs, ours in zip(*found, strict=True):
        assert torch.allclose(theirs, ours, atol=1e-5)


def tokens_read(made, own, ids, mask):
    read = []
    hook = own.model.embed_tokens.register_forward_hook(lambda _, given, __: read.append(given[0].numel()))
    type(made)._get_per_token_logps_and_entropies(made, own, ids, mask, COMPLETION)
    hook.remove()
    return sum(read)


def test_prompts_are_shared_where_keys_are_kept_and_gradients_joined_once(tiny_trunk):
    from trl.trainer.utils import add_fused_lm_head

    made, _ = trainer_of("grpo")
    own = models.load_policy(tiny_trunk)[0]
    add_fused_lm_head(own)
    ids = torch.randint(5, 20, (40, PROMPT + COMPLETION), generator=torch.Generator().manual_seed(0))
    ids[:, :PROMPT] = ids[torch.arange(40) % 5, :PROMPT]
    mask, probe = torch.ones_like(ids), 4 * prefixes.PROBE
    shared = 5 * (PROMPT - 1) + 40 * (1 + COMPLETION)
    assert [tokens_read(made, own, ids, mask) for _ in range(2)] == [shared + probe, shared]
    own.train().gradient_checkpointing_enable()
    assert tokens_read(made, own, ids, mask) == ids.numel()


def test_columns_hold_every_token_and_no_more():
    mask = torch.tensor([[0, 0, 1, 1, 1, 0], [0, 1, 1, 1, 0, 0]])
    assert columns(mask, 3) == (1, 5)
    assert columns(torch.zeros(2, 6), 3) == (0, 4)
    assert columns(torch.tensor([[0, 0, 1, 0, 0, 0]]), 3) == (2, 4)


def test_a_trainer_that_uses_the_passes_for_more_is_left_as_it_is():
    class Reads:
        reads_whole_batches = True

        def _get_per_token_logps_and_entropies(self):
            pass

    assert trimmed(Reads) is Reads
    assert trimmed(int) is int
