"""Tests of the guard on saved samples: a climb that the evaluators stop following alarms, and says when."""

import numpy as np
import torch

from rlhf_pipeline.evaluation.climb import judge_climb
from rlhf_pipeline.evaluation.judges import Ratings
from rlhf_pipeline.policy.guard.reward_hack_monitor import Params
from rlhf_pipeline.records import assistant

NUM_PROMPTS, STEPS = 40, (0, 20, 40, 60)
WORDS = [f"w{n}" for n in range(60)]


def sample(step, completion):
    own = {"completion_tokens": len(completion.split()), "logp": -12.0, "is_truncated": False}
    return {"step": step, "kl": 0.1 * step, "completion": assistant(completion), **own}


def samples(evaluator_by_step, said=lambda prompt, step: " ".join(WORDS[prompt : prompt + 9])):
    """Return saved samples, step by step, with a rising proxy and the evaluators' mean as given."""
    rng = np.random.default_rng(0)
    worth = rng.normal(size=NUM_PROMPTS)
    cells = [(step, prompt) for step in STEPS for prompt in range(NUM_PROMPTS)]
    rows = [sample(step, said(prompt, step)) for step, prompt in cells]
    proxy = torch.tensor([0.05 * step + worth[prompt] for step, prompt in cells])
    noise = 0.3 * rng.normal(size=len(cells))
    evaluator = torch.tensor(
        [evaluator_by_step[step] + worth[prompt] + e for (step, prompt), e in zip(cells, noise, strict=True)]
    )
    return rows, Ratings(proxy, torch.ones(len(cells)), evaluator, None), [prompt for _, prompt in cells]


def alarm(rows, ratings, index):
    return judge_climb(rows, ratings, index, Params())["hack_alarm"]


def test_a_climb_that_the_evaluators_follow_raises_no_alarm():
    found = alarm(*samples({0: 0.0, 20: 1.0, 40: 2.0, 60: 2.5}))
    assert (found.value, found.high, found.note) == (0, 0, "")


def test_one_that_they_stop_following_does_and_names_step_sign_and_where_to_go_back_to():
    found = alarm(*samples({0: 0.0, 20: 1.0, 40: 0.2, 60: -1.0}))
    assert (found.value, found.low) == (1, 1)
    assert found.note == "step 40: held out falls, held out lags; best by then: step 20"


def test_repetition_is_seen_without_evaluators():
    rows, ratings, index = samples(dict.fromkeys(STEPS, 0.0), lambda p, step: "la " * 9 if step == 60 else WORDS[p])
    found = alarm(rows, Ratings(ratings.proxy, ratings.disagreement, None, None), index)
    assert found.value == 1
    assert found.note == "step 60: length, repetition; best by then: step 40"


def test_samples_are_paired_by_prompt_whatever_their_order():
    rows, ratings, index = samples({0: 0.0, 20: 1.0, 40: 2.0, 60: 2.5})
    order = np.random.default_rng(1).permutation(len(rows)).tolist()
    mixed = Ratings(ratings.proxy[order], ratings.disagreement[order], ratings.evaluator[order], None)
    again = alarm([rows[i] for i in order], mixed, [index[i] for i in order])
    assert again == alarm(rows, ratings, index)


def test_no_samples_are_not_measured():
    assert judge_climb([], samples(dict.fromkeys(STEPS, 0.0))[1], [], Params())["hack_alarm"].value is None
