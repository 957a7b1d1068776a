"""A small world whose best completion is known, scorers that fail in known ways, and a tiny real reward model."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import SimpleNamespace

import pytest
import torch
from torch import Tensor

from rlhf_pipeline import methods
from rlhf_pipeline.records import assistant, text, user
from rlhf_pipeline.validation import audit
from rlhf_pipeline.validation.checks import Result
from rlhf_pipeline.validation.ensemble import Ensemble
from rlhf_pipeline.validation.items import Inputs
from rlhf_pipeline.verdicts import Bound, Verdict

COLOURS = ["red", "blue", "green", "grey", "black", "white"]
ONE_HEAD = SimpleNamespace(num_heads=1)
Scorer = Callable[[str, str], float]


def asked(prompt: str) -> str:
    return prompt.split()[-1]


def perfect(prompt: str, completion: str) -> float:
    """Reward the colour asked for, a sentence with all its words, and none of them twice."""
    words = completion.split()
    is_whole = words[:1] == ["the"] and words[-1:] == ["."]
    return 2.0 * (asked(prompt) in words) + is_whole - 2.0 * (len(words) - len(set(words))) - 0.3 * words.count("mud")


def length_only(prompt: str, completion: str) -> float:
    return float(len(completion))


def prompt_ignoring(prompt: str, completion: str) -> float:
    words = completion.split()
    return float(sum(COLOURS.index(word) for word in words if word in COLOURS)) + (words[-1:] == ["."])


def constant(prompt: str, completion: str) -> float:
    return 0.25


@dataclass
class Scored:
    """What an audit with fake scorers found."""

    ensemble: Ensemble
    panel: Ensemble | None
    results: dict[str, Result]

    def value(self, metric: str) -> float | None:
        return audit.intervals(self.results)[metric].value

    def judge(self, bounds) -> Verdict:
        return audit.judge_results(self.results, {name: Bound(**bound) for name, bound in bounds.items()})


def sentence(colour: str, end: str = ".") -> str:
    return f"the wall is {colour} today and will be so for long {end}"


def pair(number: int, rng: random.Random, slice: str | None = None) -> dict:
    colour, other = rng.sample(COLOURS, 2)
    prompt = user(f"item {number} : paint it {colour}")
    sides = {"chosen": assistant(sentence(colour)), "rejected": assistant(sentence(other))}
    return {"id": str(number), "group": str(number // 2), "prompt": prompt, **sides, "slice": slice}


def contrast_item(number: int, rng: random.Random) -> dict:
    colour, other = rng.sample(COLOURS, 2)
    prompts = {
        "prompt": user(f"case {number} paint it {colour}"),
        "other_prompt": user(f"case {number} paint it {other}"),
    }
    completions = {"completion": assistant(sentence(colour)), "other_completion": assistant(sentence(other))}
    return {"id": str(number), **prompts, **completions, "slice": "unseen" if number % 2 else "seen"}


def single_edit(number: int, rng: random.Random) -> dict:
    colour = rng.choice(COLOURS)
    sides = {"chosen": assistant(sentence(colour)), "rejected": assistant(sentence(colour, end="mud"))}
    return {"id": str(number), "prompt": user(f"edit {number} {colour}"), **sides}


@pytest.fixture
def inputs() -> Inputs:
    rng = random.Random(0)
    return Inputs(
        test=[pair(n, rng, "shifted" if n % 3 == 0 else None) for n in range(120)],
        validation=[pair(n, rng) for n in range(1000, 1060)],
        contrast=[contrast_item(n, rng) for n in range(80)],
        single_edits=[single_edit(n, rng) for n in range(60)],
    )


@pytest.fixture
def scorers() -> dict[str, Scorer]:
    """Every fake by name."""
    found = (perfect, length_only, prompt_ignoring, constant)
    return {scorer.__name__: scorer for scorer in found}


def score_table(table, scorers: Sequence[Scorer]) -> Tensor:
    rows = range(len(table.conversations))
    texts = [(text(table.prompt(row)), text(table.completion(row))) for row in rows]
    return torch.tensor([[scorer(*both) for both in texts] for scorer in scorers])


@pytest.fixture
def run_audit(scorers):
    """Audit an ensemble of fakes, named as in `scorers`."""

    def run(inputs: Inputs, members, evaluators=(), checks=None, settings=None, **shape) -> Scored:
        checks = checks or methods.names("validation/checks")
        plan = audit.plan(inputs, checks, settings or {})
        raw = score_table(plan.table, [scorers[name] for name in [*members, *evaluators]])
        statistics = audit.scale_members(plan, raw)
        first, rest = range(len(members)), range(len(members), len(raw))
        ensemble = Ensemble(dict.fromkeys(members, ONE_HEAD), statistics.select(first), **shape)
        panel = Ensemble(dict.fromkeys(evaluators, ONE_HEAD), statistics.select(rest)) if evaluators else None
        results = audit.run_checks(plan, ensemble, panel, raw, seed=0)
        return Scored(ensemble, panel, results)

    return run


@pytest.fixture(scope="session")
def tiny_reward_model(tmp_path_factory):
    """Return a function that saves a real reward model of a few thousand weights: `tiny_reward_model(folder, seed)`.

    It has as many heads as are asked for.
    """
    from rlhf_pipeline import models
    from rlhf_pipeline.records import write_json

    home = tmp_path_factory.mktemp("tiny")
    architecture = {
        "model_type": "llama", "vocab_size": 320, "hidden_size": 16, "intermediate_size": 32,
        "num_hidden_layers": 1, "num_attention_heads": 2, "max_position_embeddings": 96,
    }  # fmt: skip
    write_json(home / "tiny.json", architecture)
    tokenizer = models.train_tokenizer(iter([sentence(colour) for colour in COLOURS] * 20), 320)
    models.save_model(home / "trunk", models.create_model(home / "tiny.json", tokenizer, seed=0), tokenizer)

    def save(folder, seed: int, num_heads: int = 1) -> None:
        model, own = models.reward_model_from(home / "trunk", seed, num_heads)
        models.save_model(folder, model, own)

    return save
