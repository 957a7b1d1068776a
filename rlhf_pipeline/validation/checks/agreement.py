"""Whether the members agree, where no label is needed: on the order of test pairs, and on the rewards themselves."""

from itertools import combinations

import torch

from rlhf_pipeline.methods import MethodParams
from rlhf_pipeline.validation.checks import Context, Finding, Items, Result
from rlhf_pipeline.validation.checks._comparisons import NUM_WORST, describe, margins, share, slices
from rlhf_pipeline.validation.items import Inputs, Table, add_pairs
from rlhf_pipeline.verdicts import Interval


class Params(MethodParams):
    """None."""


def collect(inputs: Inputs, table: Table, params: Params) -> Items:
    """Enter chosen and rejected of every test pair."""
    return {"test": add_pairs(inputs.test, table)}


def check(items: Items, context: Context, params: Params) -> Result:
    """Return how often two members order a test pair alike, and how far their normalised rewards are apart."""
    pairs = items["test"]
    told = "Share of test pairs that two members order alike, over all pairs of members."
    least = "Share of test pairs that the odd member out orders as another does, over the others."
    most = "Share of test pairs that the two members most alike order alike; 1 where one stands twice."
    far = "Standard deviation between members of the normalised reward of test completions; 1 is a member's own spread."
    if len(context.members) < 2:
        alone = Interval(note="one member")
        metrics = ("agreement", told), ("agreement_least", least), ("agreement_most", most), ("disagreement", far)
        return Result([Finding(f"{metric}/members", alone, 0, words) for metric, words in metrics])
    each = torch.stack([margins(context.normalised[name], pairs) for name in context.members])
    signs = each.sign()
    alike = {(j, k): (signs[j] == signs[k]).float() for j, k in combinations(range(len(signs)), 2)}
    of_each = [torch.stack([own for both, own in alike.items() if k in both]).mean(dim=0) for k in range(len(signs))]
    odd = min(range(len(signs)), key=lambda k: float(of_each[k].mean()))
    twins = max(alike, key=lambda both: float(alike[both].mean()))
    named = " and ".join(context.members[k] for k in twins)
    apart = torch.tensor([float(context.disagreement[[p.better, p.worse]].mean()) for p in pairs])
    findings = [
        share("agreement/members", torch.stack(list(alike.values())).mean(dim=0), pairs, context, told),
        share("agreement_least/members", of_each[odd], pairs, context, least, f"member {context.members[odd]}"),
        share("agreement_most/members", alike[twins], pairs, context, most, f"members {named}"),
        share("disagreement/members", apart, pairs, context, far),
    ]
    for part, rows in slices(pairs).items():
        own = [pairs[i] for i in rows]
        findings.append(share(f"disagreement/members/{part}", apart[rows], own, context, f"The same, '{part}' alone."))
    disputed = each.std(dim=0, correction=0).argsort(descending=True, stable=True)[:NUM_WORST].tolist()
    return Result(findings, [describe(pairs[i], float(each[:, i].mean()), context.table) for i in disputed])
