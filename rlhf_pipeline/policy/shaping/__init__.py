"""Methods: what is done to the ensemble's rewards before an algorithm sees them, in the order of `policy.shaping`.

Each holds `Params` and `shape(rewards: Tensor, batch: Batch, params: Params) -> Tensor`, [B] in and [B] out: a pure
function. The trajectory's proxy reward stays the ensemble's own.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from rlhf_pipeline import methods
from rlhf_pipeline.mistakes import Mistake, one_line
from rlhf_pipeline.records import Conversation

SHAPING = "policy/shaping"


@dataclass(frozen=True)
class Batch:
    """What is known of the completions of a step, B of them, those of a prompt side by side."""

    prompts: Sequence[int]
    """[B] the number of each completion's prompt."""
    conversations: Sequence[Conversation]
    """[B] prompt and completion."""
    lengths: Tensor
    """[B] tokens of each completion, its end included."""
    step: int
    """Optimizer steps taken."""
    seed: int


Shape = Callable[[Tensor, Batch], Tensor]


def compose(names: Sequence[str], settings: Mapping[str, Mapping[str, Any]]) -> Shape:
    """Return one function that shapes by each method in turn.

    Raises:
        MethodError: a method or a setting does not exist, or settings are given for a method that is not chosen.
    """
    for name in set(settings) - set(names):
        near = methods.suggest(name, list(names))
        raise methods.MethodError(f"settings for shaping '{name}', which is not chosen.{near}")
    chosen = [(methods.load(SHAPING, name), settings.get(name)) for name in names]
    steps = [(name, method, methods.settings(method, own)) for name, (method, own) in zip(names, chosen, strict=True)]

    def shape(rewards: Tensor, batch: Batch) -> Tensor:
        for name, method, params in steps:
            try:
                rewards = method.shape(rewards, batch, params)
            except Exception as error:
                said = f"{type(error).__name__}: {one_line(error)}"
                raise Mistake(
                    f"shaping '{name}' failed at step {batch.step}: {said}; mend {SHAPING}/{name}.py"
                ) from error
        return rewards

    return shape
