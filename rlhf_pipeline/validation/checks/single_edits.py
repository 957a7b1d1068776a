"""Whether one edit that makes a completion worse is seen."""

from pydantic import Field

from rlhf_pipeline.methods import MethodParams
from rlhf_pipeline.validation.checks import Context, Items, Result
from rlhf_pipeline.validation.checks._comparisons import margins, shares_won, worst
from rlhf_pipeline.validation.items import Inputs, Table, add_pairs, spread


class Params(MethodParams):
    """How much is scored."""

    max_items: int = Field(default=300, ge=1, description="single edits scored, spread over the file")


def collect(inputs: Inputs, table: Table, params: Params) -> Items:
    """Enter both sides of each single edit."""
    return {"edits": add_pairs(spread(inputs.single_edits, params.max_items), table)}


def check(items: Items, context: Context, params: Params) -> Result:
    """Return the share of single edits whose unedited side scores higher; equal scores count half."""
    what = "completions that score above the same with one edit for the worse,"
    findings = shares_won("single_edit_accuracy", items["edits"], context, what)
    return Result(findings, worst(items["edits"], margins(context.reward, items["edits"]), context.table))
