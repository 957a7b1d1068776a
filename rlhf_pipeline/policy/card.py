"""The model card of a tuned policy: what it came from, what it was rewarded for, and what was known of that.

It holds no dates and no run ids: the same seed writes the same bytes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from rlhf_pipeline.records import whole

HEAD = """---
library_name: transformers
pipeline_tag: text-generation
tags: [rlhf, trl, {algorithm}]
---
# A policy tuned from human preferences

Tuned by rlhf-pipeline with TRL's `{algorithm}` from the trunk `{reference}`, which began from `{base}`.
"""
USE = """
## Use

```python
from transformers import AutoModelForCausalLM, AutoTokenizer

tokenizer = AutoTokenizer.from_pretrained("path/to/this/folder")
model = AutoModelForCausalLM.from_pretrained("path/to/this/folder")
asked = [{"role": "user", "content": "…"}]
inputs = tokenizer.apply_chat_template(asked, add_generation_prompt=True, return_tensors="pt")
print(tokenizer.decode(model.generate(**inputs, max_new_tokens=64)[0], skip_special_tokens=True))
```

`generation_config.json` samples from the whole distribution, as in training.
"""
REMOTE = "\nIts checkpoint came with code of its own, which was trusted: load it with `trust_remote_code=True`.\n"


@dataclass(frozen=True)
class Origin:
    """What a policy was made of."""

    base: str
    reference: str
    algorithm: str
    settings: Mapping[str, Any]
    source: str
    num_prompts: int
    aggregator: str
    members: Mapping[str, Mapping[str, Any]]
    """By name, what params.yaml says of each."""
    gates: Mapping[str, Mapping[str, bool]]
    """By stage, the gate's file."""
    trust_remote_code: bool = False


def write(folder: Path | str, origin: Origin) -> None:
    """Write README.md into the folder of a policy."""
    with whole(Path(folder, "README.md")) as file:
        file.write(render(origin))


def render(origin: Origin) -> str:
    """Return the card."""
    head = HEAD.format(algorithm=origin.algorithm, reference=origin.reference, base=origin.base)
    data = f"\n## Data\n\nPreferences of the source `{origin.source}`; {origin.num_prompts} prompts in this training.\n"
    reward = (
        f"\n## Reward\n\nThe {origin.aggregator.replace('_', ' ')} of these reward models, each normalised:\n\n"
        "| member | trunk | pairs | objective |\n| --- | --- | --- | --- |\n"
    )
    reward += _lines(f"| {name} | {' | '.join(_made_of(member))} |" for name, member in origin.members.items())
    verdicts = "\n## Verdicts before this training\n\n"
    verdicts += _lines(f"- {stage}: {_verdict(gate)}" for stage, gate in origin.gates.items())
    settings = yaml.safe_dump(dict(origin.settings), sort_keys=True)
    tail = f"\nWhat its evaluation found stands in the report of its night.\n\n## Settings\n\n```yaml\n{settings}```\n"
    return head + (REMOTE if origin.trust_remote_code else "") + data + reward + verdicts + tail + USE


def _made_of(member: Mapping[str, Any]) -> list[str]:
    trained = ["none, a ready model", ""] if member.get("ready") else [str(member["pairs"]), str(member["objective"])]
    return [str(member["trunk"]), *trained]


def _verdict(gate: Mapping[str, bool]) -> str:
    return "admitted" if gate["admitted"] else "refused, and the gate was not enforced: for study, not for use"


def _lines(lines: Iterable[str]) -> str:
    return "".join(f"{line}\n" for line in lines)
