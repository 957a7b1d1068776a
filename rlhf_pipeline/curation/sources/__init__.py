"""Methods: where preferences come from.

Each holds `Params` and `read(inputs: Inputs, params: Params) -> Raw`. A form of data holds `parse(entries:
Iterable[Entry], params: Params) -> Raw` too: `read` gives it the entries of files, and `hub` those of a data set.
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
    `unreadable` are entries that could not become a pair, each with its reason: they count as read and as dropped.
    `texts` are demonstrations of plain language that join the others, whether those were given or derived.
    `labels` are the single judgements (`id`, `prompt`, `completion`, `label`) that pairs were made of, if they were:
    no stage reads them, findings do.
    """

    pairs: list[Row]
    demonstrations: list[Row] = field(default_factory=list)
    policy_prompts: list[Row] = field(default_factory=list)
    evaluation_prompts: list[Row] = field(default_factory=list)
    contrast: list[Row] = field(default_factory=list)
    single_edits: list[Row] = field(default_factory=list)
    gold: dict[str, Any] = field(default_factory=lambda: {"source": None})
    unreadable: list[tuple[Row, str]] = field(default_factory=list)
    texts: list[Row] = field(default_factory=list)
    labels: list[Row] = field(default_factory=list)
