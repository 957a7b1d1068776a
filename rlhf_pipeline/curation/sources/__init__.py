"""Methods: where preferences come from.

Each holds `Params` and `read(inputs: Inputs, params: Params) -> Raw`.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rlhf_pipeline.records import Row


@dataclass(frozen=True)
class Inputs:
    """What a source may read."""

    input: Path
    text: Path
    seed: int


@dataclass
class Raw:
    """What a source read, before any filter. A source gives pairs; what it leaves empty is derived from them.

    Rows are as docs/decisions/2026-11-21-spine.md says. `gold` tells `evaluation` how to rebuild an exact reward.
    """

    pairs: list[Row]
    demonstrations: list[Row] = field(default_factory=list)
    policy_prompts: list[Row] = field(default_factory=list)
    evaluation_prompts: list[Row] = field(default_factory=list)
    contrast: list[Row] = field(default_factory=list)
    single_edits: list[Row] = field(default_factory=list)
    gold: dict[str, Any] = field(default_factory=lambda: {"source": None})
