"""Whether degenerate completions score low within their prompt: empty, truncated, repeated, the prompt copied.

A policy finds these first: where a reward does not put them below ordinary completions, training collapses onto them.
"""

from pydantic import Field

from rlhf_pipeline.methods import MethodParams
from rlhf_pipeline.records import Conversation, Row, assistant, text
from rlhf_pipeline.validation.checks import Context, Items, Result
from rlhf_pipeline.validation.checks._comparisons import margins, shares_won, worst
from rlhf_pipeline.validation.items import Comparison, Inputs, Table, prompt_key, spread

NUM_REPEATED_WORDS = 2


class Params(MethodParams):
    """How much is scored."""

    max_prompts: int = Field(default=150, ge=1, description="test prompts whose chosen completion is spoiled")
    kept_fraction: float = Field(
        default=0.34, gt=0, lt=1, description="share of the words left of a truncated completion"
    )


def collect(inputs: Inputs, table: Table, params: Params) -> Items:
    """Enter the chosen side of some test pairs and what is spoiled of it, where every model can read it whole."""
    distinct = list({prompt_key(row["prompt"]): row for row in reversed(inputs.test)}.values())[::-1]
    spoiled = [item for row in spread(distinct, params.max_prompts) for item in _spoil(row, params)]
    fits = inputs.fits([[*row["prompt"], *completion] for row, _, completion in spoiled])
    groups: dict[str, list[Comparison]] = {"readable": [], "too_long": []}
    for (row, kind, completion), fit in zip(spoiled, fits, strict=True):
        better = table.add(row["prompt"], row["chosen"])
        worse = table.add(row["prompt"], completion, is_reference=False) if fit else better
        comparison = Comparison(f"{row['id']}/{kind}", better, worse, prompt_key(row["prompt"]), kind)
        groups["readable" if fit else "too_long"].append(comparison)
    return groups


def check(items: Items, context: Context, params: Params) -> Result:
    """Return the share of degenerate completions that score below the chosen one of their prompt, all and by kind."""
    comparisons, num_left_out = items["readable"], len(items["too_long"])
    note = f"{num_left_out} left out: longer than a model's context" if num_left_out else ""
    what = "degenerate completions scored below the chosen one of the same prompt"
    findings = shares_won("degenerate_low", comparisons, context, what, note)
    return Result(findings, worst(comparisons, margins(context.reward, comparisons), context.table))


def _spoil(row: Row, params: Params) -> list[tuple[Row, str, Conversation]]:
    """Return each kind of degenerate completion, as long as the chosen one at most unless it copies the prompt."""
    words = text(row["chosen"]).split()
    repeated = (words[:NUM_REPEATED_WORDS] * len(words))[: len(words)]
    kinds = {
        "empty": "",
        "truncated": " ".join(words[: int(len(words) * params.kept_fraction)]),
        "repeated": " ".join(repeated),
        "copied_prompt": row["prompt"][-1]["content"],
    }
    taken = {" ".join(words)}
    spoiled = []
    for kind, content in kinds.items():
        if content not in taken:
            taken.add(content)
            spoiled.append((row, kind, assistant(content)))
    return spoiled
