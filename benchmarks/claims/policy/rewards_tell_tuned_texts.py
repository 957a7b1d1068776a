"""Whether rewards alone tell a tuned policy's completions from those of the model that it was tuned from."""

from benchmarks.claims import Claim, Settings
from benchmarks.claims.lab import Lab
from benchmarks.claims.parts import ensembles, policies, samples
from rlhf_pipeline.policy.guard.rm_generation_detector import measure as detect
from rlhf_pipeline.records import assistant

CLAIM = Claim(
    method="policy/guard/rm_generation_detector",
    paper="Lee et al. 2024, arXiv:2405.17382",
    says="reward models recognise what aligned models say, by the reward alone",
    metric="chance that a completion after 120 steps is paid more than one before, less a half; by four other members",
    smallest=0.2,
    without=(),
    with_=({},),
)


def measure(lab: Lab, settings: Settings) -> float:
    """Return the area under the curve, less a half; the members that judge are not those that paid."""
    drawn = samples.draw(lab)
    tuned = policies.policy(lab, ensembles.strong(lab))
    said = policies.say(lab, tuned, drawn.prompts, policies.NUM_SAMPLES)
    before = [group[: policies.NUM_SAMPLES] for group in drawn.completions]
    judges = policies.ensemble(lab, ensembles.fair(lab), "mean")
    pairs = list(zip(drawn.prompts, before, said, strict=True))
    asked = [prompt + assistant(one) for prompt, *both in pairs for group in both for one in group]
    prompt_of = [number for number in range(len(pairs)) for _ in range(2 * policies.NUM_SAMPLES)]
    paid = judges.aggregate(judges.member_rewards(asked), prompt_of).reward.view(len(pairs), 2, policies.NUM_SAMPLES)
    auroc = detect(paid[:, 0].tolist(), paid[:, 1].tolist()).auroc.value
    assert auroc is not None
    return auroc - 0.5
