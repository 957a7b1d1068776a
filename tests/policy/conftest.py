"""A tiny policy that writes colours, and members that count them, so that what must rise is known."""

import pytest
import torch

from rlhf_pipeline import methods, models
from rlhf_pipeline.policy.training import train
from rlhf_pipeline.records import user, write_json
from rlhf_pipeline.scoring import RewardModel
from rlhf_pipeline.validation.ensemble import Ensemble
from rlhf_pipeline.validation.normalisation import Statistics

COLOURS = ["red", "blue", "green", "grey", "black", "white"]
SETTINGS = {
    "num_steps": 3, "batch_size": 8, "num_generations": 4, "max_completion_length": 6, "max_length": 32,
    "num_references": 2, "num_sampled_prompts": 3, "save_samples_steps": 2, "warmup_fraction": 0.0,
}  # fmt: skip


def prompts_of() -> list[dict]:
    return [{"id": f"p{n}", "prompt": user(f"paint {COLOURS[n % 6]} {COLOURS[n // 6]}")} for n in range(12)]


@pytest.fixture(scope="session")
def prompts() -> list[dict]:
    return prompts_of()


@pytest.fixture(scope="session")
def reference(tmp_path_factory, prompts):
    """Return the folder of a random policy of a few thousand weights."""
    home = tmp_path_factory.mktemp("reference")
    architecture = {
        "model_type": "llama", "vocab_size": 64, "hidden_size": 16, "intermediate_size": 32,
        "num_hidden_layers": 1, "num_attention_heads": 2, "max_position_embeddings": 64,
    }  # fmt: skip
    write_json(home / "tiny.json", architecture)
    tokenizer = models.train_tokenizer(iter([f"paint {' '.join(COLOURS)}"]), 64, "words")
    models.save_model(home / "trunk", models.create_model(home / "tiny.json", tokenizer, seed=0), tokenizer)
    return home / "trunk"


class CountRed(torch.nn.Module):
    """Rewards each 'red' in the sequence; `shift` is what it adds to every completion of a prompt."""

    def __init__(self, config, red: int, weight: float = 1.0, shift: bool = False) -> None:
        super().__init__()
        self.config, self.red, self.weight, self.shift = config, red, weight, shift
        self.device = torch.device("cpu")

    def forward(self, input_ids, attention_mask, **_):
        reward = self.weight * (input_ids == self.red).sum(-1).float()
        # The prompt's own words, which no completion changes.
        reward = reward + (10.0 * input_ids[:, 2] if self.shift else 0.0)
        return type("Output", (), {"logits": reward.unsqueeze(-1)})


@pytest.fixture
def ensemble(reference):
    """Return a function that makes an ensemble of counters: weights by member, and who is shifted."""

    def make(weights=(1.0, 2.0), shifted=False, **shape) -> Ensemble:
        model, tokenizer = models.load_policy(reference)
        model.config.num_labels = 1
        red = tokenizer.convert_tokens_to_ids("red")
        counters = [CountRed(model.config, red, weight, shifted and k == 0) for k, weight in enumerate(weights)]
        statistics = Statistics(torch.tensor(weights).abs(), torch.zeros(len(weights)), torch.ones(len(weights)))
        named = {f"m{k}": RewardModel(counter, tokenizer) for k, counter in enumerate(counters)}
        return Ensemble(named, statistics, **shape)

    return make


@pytest.fixture
def run(reference, prompts, ensemble, tmp_path):
    """Return a function that trains an algorithm on the tiny parts: `run("grpo", seed=1, num_steps=5)`."""

    def train_tiny(
        name: str,
        made: Ensemble | None = None,
        seed: int = 1,
        out=tmp_path / "model",
        checkpoints=None,
        plan=None,
        **overrides,
    ):
        algorithm = methods.load("policy/algorithms", name)
        settings = methods.settings(algorithm, {**SETTINGS, **overrides})
        return train(reference, made or ensemble(), prompts, algorithm, settings, seed, out, 1, checkpoints, plan=plan)

    return train_tiny
