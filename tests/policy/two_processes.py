"""What each of two processes runs; `test_two_processes.py` starts it by `accelerate launch` with folders and a name."""

import json
import sys
from pathlib import Path

import torch
from accelerate import PartialState

from rlhf_pipeline import methods, models
from rlhf_pipeline.policy import padding
from rlhf_pipeline.policy.training import train
from rlhf_pipeline.scoring import RewardModel
from rlhf_pipeline.validation.ensemble import Ensemble
from rlhf_pipeline.validation.normalisation import Statistics
from tests.policy.conftest import SETTINGS, CountRed, prompts_of

CLIMB = {**SETTINGS, "num_steps": 15, "batch_size": 48, "num_generations": 8, "learning_rate": 0.02, "beta": 0.001}
CLIMB |= {"num_sampled_prompts": 12, "save_samples_steps": 15}


def main(reference: str, out: str, name: str, prompts: str = "shared") -> None:
    """Train the tiny policy, prompts read once or `whole`, and write its trajectory where this is the first process."""
    if prompts == "whole":
        padding.read_prompts = lambda *_: None
    torch.set_num_threads(1)
    model, tokenizer = models.load_policy(reference)
    model.config.num_labels = 1
    counter = CountRed(model.config, tokenizer.convert_tokens_to_ids("red"))
    ensemble = Ensemble({"m": RewardModel(counter, tokenizer)}, Statistics(*torch.tensor([[1.0], [0.0], [1.0]])))
    algorithm = methods.load("policy/algorithms", name)
    params = methods.settings(algorithm, CLIMB)
    found = train(reference, ensemble, prompts_of(), algorithm, params, 1, Path(out, "model"))
    state = PartialState()
    if state.is_main_process:
        told = {"processes": state.num_processes, "trajectory": found["trajectory"]}
        Path(out, "found.json").write_text(json.dumps(told))


if __name__ == "__main__":
    main(*sys.argv[1:])
