"""What `evaluation.settings` of params.yaml may hold, with the defaults."""

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from rlhf_pipeline.methods import MethodParams, parse_settings
from rlhf_pipeline.policy.guard import reward_hack_monitor


class EvaluationSettings(MethodParams):
    """How much is sampled, and how."""

    num_prompts: int = Field(default=200, ge=2, description="evaluation prompts taken, in the file's order")
    num_samples: int = Field(default=4, ge=1, description="completions per prompt and model")
    best_of: int = Field(
        default=1, ge=1, description="completions drawn for each one of the policy: the ensemble's best is kept"
    )
    max_new_tokens: int = Field(default=64, ge=1, description="tokens after which a completion is cut off")
    guard: reward_hack_monitor.Params = Field(
        default_factory=reward_hack_monitor.Params,
        description="when the samples saved in training show a hacked reward",
    )
    temperature: float = Field(default=1.0, gt=0, description="of sampling; KL means what DESIGN says only at 1")


def evaluation_settings(overrides: Mapping[str, Any]) -> EvaluationSettings:
    """Return the settings with overrides applied.

    Raises:
        MethodError: a setting is unknown, of the wrong type or out of range; names near ones.
    """
    return parse_settings(EvaluationSettings, overrides, "evaluation.settings")
