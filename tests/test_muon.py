import copy

import pytest
import torch
from torch import nn

from rlhf_pipeline.muon import MuonWithAdamW

RATES = {"learning_rate": 0.01, "muon_learning_rate": 0.05, "weight_decay": 0.01, "adam_beta2": 0.98}


class Toy(nn.Module):
    """The parts that a language model has: an embedding, a hidden matrix with its bias, a norm, and a head."""

    def __init__(self):
        super().__init__()
        self.embed_tokens, self.hidden = nn.Embedding(7, 8), nn.Linear(8, 8)
        self.norm, self.score = nn.LayerNorm(8), nn.Linear(8, 1, bias=False)

    def loss(self):
        rewards = self.score(self.norm(torch.tanh(self.hidden(self.embed_tokens(torch.arange(7)))))).squeeze(-1)
        return (rewards - torch.arange(7.0)).square().mean()


@pytest.fixture
def toy():
    torch.manual_seed(0)
    return Toy()


def take_steps(model, optimizer, count):
    for _ in range(count):
        optimizer.zero_grad()
        model.loss().backward()
        optimizer.step()


def weights(model):
    return torch.cat([p.detach().flatten() for p in model.parameters()])


def test_only_hidden_matrices_go_to_muon(toy):
    optimizer = MuonWithAdamW(toy.named_parameters(), **RATES)
    hidden = [p for group in optimizer.muon.param_groups for p in group["params"]]
    others = {id(p) for group in optimizer.adamw.param_groups for p in group["params"]}
    assert [id(p) for p in hidden] == [id(toy.hidden.weight)]
    assert others == {id(p) for p in toy.parameters()} - {id(toy.hidden.weight)}


def test_frozen_parameters_stand_still(toy):
    toy.embed_tokens.weight.requires_grad_(False)
    before = toy.embed_tokens.weight.clone()
    take_steps(toy, MuonWithAdamW(toy.named_parameters(), **RATES), 3)
    assert torch.equal(toy.embed_tokens.weight, before)


def test_steps_lower_the_loss_and_move_both_kinds(toy):
    first, hidden, head = toy.loss().item(), toy.hidden.weight.clone(), toy.score.weight.clone()
    take_steps(toy, MuonWithAdamW(toy.named_parameters(), **RATES), 30)
    assert toy.loss().item() < 0.5 * first
    assert not torch.equal(toy.hidden.weight, hidden)
    assert not torch.equal(toy.score.weight, head)


def test_a_schedule_reaches_both(toy):
    optimizer = MuonWithAdamW(toy.named_parameters(), **RATES)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 0.0 if step else 1.0)
    take_steps(toy, optimizer, 1)
    schedule.step()
    before = weights(toy)
    take_steps(toy, optimizer, 3)
    assert torch.equal(weights(toy), before)


def test_a_saved_state_goes_on_where_it_was(toy):
    optimizer = MuonWithAdamW(toy.named_parameters(), **RATES)
    take_steps(toy, optimizer, 3)
    other = Toy()
    other.load_state_dict(toy.state_dict())
    restored = MuonWithAdamW(other.named_parameters(), **RATES)
    restored.load_state_dict(copy.deepcopy(optimizer.state_dict()))  # as a file would hold it
    take_steps(toy, optimizer, 2)
    take_steps(other, restored, 2)
    assert torch.equal(weights(toy), weights(other))
