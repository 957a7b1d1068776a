"""Whether test pairs are ordered as the annotators ordered them."""

from rlhf_pipeline.methods import MethodParams
from rlhf_pipeline.validation.checks import Context, Items, Result
from rlhf_pipeline.validation.checks._comparisons import margins, shares_won, worst
from rlhf_pipeline.validation.items import Inputs, Table, add_pairs


class Params(MethodParams):
    """None."""


def collect(inputs: Inputs, table: Table, params: Params) -> Items:
    """Enter chosen and rejected of every test pair."""
    return {"test": add_pairs(inputs.test, table)}


def check(items: Items, context: Context, params: Params) -> Result:
    """Return the share of test pairs whose chosen side scores higher; equal scores count half."""
    what = "test pairs ordered as the annotators ordered them"
    findings = shares_won("accuracy", items["test"], context, what)
    return Result(findings, worst(items["test"], margins(context.reward, items["test"]), context.table))
