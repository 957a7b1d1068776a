"""The built-in world as a source of preferences.

It splits itself: evaluator pairs have prompts and annotators of their own, a slice of the test pairs is shifted.
"""

from pydantic import Field

from rlhf_pipeline.curation.sources import Inputs, Raw
from rlhf_pipeline.records import Row, assistant, derive_seed, user
from rlhf_pipeline.simulation.marks import INSTRUCTION, mark
from rlhf_pipeline.simulation.pairs import draw_contrast, draw_pairs, draw_single_edits
from rlhf_pipeline.simulation.problems import draw_sum, draw_verdict
from rlhf_pipeline.simulation.prompts import draw_phrasing, render
from rlhf_pipeline.simulation.world import World, WorldParams
from rlhf_pipeline.simulation.writers import write


class Params(WorldParams):
    """How much of the world is drawn; the rest are the world's own properties."""

    num_train: int = Field(default=12000, ge=1, description="train pairs")
    num_validation: int = Field(default=400, ge=1, description="validation pairs")
    num_test: int = Field(default=800, ge=1, description="test pairs")
    num_shifted: int = Field(default=300, ge=0, description="test pairs of the shifted split, beside those")
    num_evaluator: int = Field(default=12000, ge=1, description="pairs for evaluators")
    num_demonstrations: int = Field(default=20000, ge=1, description="demonstrations")
    problem_fraction: float = Field(
        default=0.03, ge=0, le=1, description="demonstrations that solve problems or give verdicts"
    )
    mark_fraction: float = Field(
        default=0.55, ge=0, le=1, description="of the rest, those marked word by word with yes and no"
    )
    num_policy_prompts: int = Field(default=1000, ge=1, description="prompts the policy is optimised on")
    num_evaluation_prompts: int = Field(default=200, ge=1, description="prompts it is evaluated on")
    num_contrast: int = Field(default=300, ge=0, description="contrast items, and as many on shifted prompts")
    num_single_edits: int = Field(default=300, ge=0, description="pairs that differ by one edit")


def read(inputs: Inputs, params: Params) -> Raw:
    """Draw everything from the seed."""
    properties = params.model_dump(include=set(WorldParams.model_fields))
    world = World(derive_seed(inputs.seed, "simulated"), WorldParams(**properties))
    taken: set[str] = set()
    return Raw(
        evaluation_prompts=_prompts(world, params.num_evaluation_prompts, "evaluation", taken),
        policy_prompts=_prompts(world, params.num_policy_prompts, "policy", taken),
        pairs=_pairs(world, params, taken),
        demonstrations=[_demonstration(world, params, number) for number in range(params.num_demonstrations)],
        contrast=draw_contrast(world, params.num_contrast) + draw_contrast(world, params.num_contrast, is_shifted=True),
        single_edits=draw_single_edits(world, params.num_single_edits),
        gold={"source": "simulated", "world": world.to_json()},
    )


def _pairs(world: World, params: Params, taken: set[str]) -> list[Row]:
    """Draw the pairs of each split on prompts of its own."""
    counts = {
        "validation": params.num_validation, "test": params.num_test,
        "evaluator": params.num_evaluator, "train": params.num_train,
    }  # fmt: skip
    rows = []
    for split, count in counts.items():
        drawn = draw_pairs(world, count, split, taken=taken)
        taken.update(row["group"] for row in drawn)
        rows += [{**row, "split": split, "slice": "plain"} for row in drawn]
    shifted = draw_pairs(world, params.num_shifted, "test", is_shifted=True, taken=taken)
    return rows + [{**row, "split": "test", "slice": "shifted"} for row in shifted]


def _demonstration(world: World, params: Params, number: int) -> Row:
    rng = world.rng("demonstration", number)
    if rng.random() < params.problem_fraction:
        problem = draw_sum(rng) if rng.random() < 0.5 else draw_verdict(rng)
        return {"prompt": user(problem.prompt), "completion": assistant(problem.solution)}
    task = world.draw_task(rng, is_demonstration=True)
    prompt = render(task, draw_phrasing(rng, False))
    completion = write(rng.choice(world.demonstrators), task, rng)
    if rng.random() < params.mark_fraction:
        prompt, completion = f"{INSTRUCTION} {prompt}", mark(task, completion)
    return {"prompt": user(prompt), "completion": assistant(completion)}


def _prompts(world: World, count: int, purpose: str, taken: set[str]) -> list[Row]:
    """Draw prompts that are not taken, and take them."""
    rng = world.rng("prompts", purpose)
    texts: list[str] = []
    while len(texts) < count:
        prompt = render(world.draw_task(rng), draw_phrasing(rng, False))
        if prompt not in taken:
            taken.add(prompt)
            texts.append(prompt)
    return [{"id": f"{purpose}-{number}", "prompt": user(prompt)} for number, prompt in enumerate(texts)]
