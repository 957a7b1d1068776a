"""What a policy gains from rewards at random, on prompts that its reference is up to and on those that it is not."""

from statistics import fmean

import numpy as np

from benchmarks.claims import Claim, Settings
from benchmarks.claims.lab import Lab
from benchmarks.claims.parts import ensembles, policies, samples, trunks, worlds
from rlhf_pipeline.policy.guard.model_task_alignment_probe import Params, pass_at_k
from rlhf_pipeline.records import text

AT_RANDOM = {"reward_noise_injection": {"flip_probability": 0.5, "lowest": -1.0, "highest": 1.0}}
"""Every second prompt's rewards are turned round, so that nothing is left of them."""
PASSES = 0.8
"""Share of the best possible gold with which a completion passes."""

CLAIM = Claim(
    method="policy/guard/model_task_alignment_probe",
    paper="Wu et al. 2025, arXiv:2508.21188",
    says="rewards at random teach something only where the model is up to the task already",
    metric="gold that 120 steps of rewards at random gain, mean over the prompts of higher pass@8; without: of lower",
    smallest=0.1,
    without=({"is_able": False},),
    with_=({"is_able": True},),
)


def measure(lab: Lab, settings: Settings) -> float:
    """Return what is gained on one half of the evaluation prompts."""
    tuned = policies.policy(lab, ensembles.strong(lab), shaping=AT_RANDOM)
    drawn = samples.draw(lab)
    world, chosen = worlds.world(lab), able(lab, drawn) == settings["is_able"]
    asked = [prompt for prompt, is_chosen in zip(drawn.prompts, chosen, strict=True) if is_chosen]
    # The reference is asked anew: the samples that told the halves apart would flatter it on one of them.
    before, after = (
        fmean(
            world.gold(text(prompt), one).total
            for prompt, group in zip(asked, policies.say(lab, model, asked, policies.NUM_SAMPLES), strict=True)
            for one in group
        )
        for model in (trunks.trunk(lab), tuned)
    )
    return after - before


def able(lab: Lab, drawn: samples.Samples) -> np.ndarray:
    """Return whether each prompt is of the half with the higher pass@8, by the reference's samples, [P]."""
    passed = (samples.gold(lab, drawn) >= PASSES * samples.best_possible(lab, drawn)[:, None]).tolist()
    k = min(Params().k, len(passed[0]))
    rates = np.array([pass_at_k(len(one), sum(one), k) for one in passed])
    order = np.argsort(-rates, kind="stable")
    return np.isin(np.arange(len(rates)), order[: len(rates) // 2])
