"""docs/gates.md: what the gates caught of each planted defect, what gets through, and their false alarms."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from statistics import mean
from typing import Any

from benchmarks import deeper_defects, defects, simulated_judges
from benchmarks.claims.parts.ensembles import FAIR_PAIRS, WEAK_PAIRS
from benchmarks.defects import NOT_TRIED
from benchmarks.simulated_judges import OF_JUDGES, SOUND
from rlhf_pipeline.params import load_params
from rlhf_pipeline.validation import auditing

Row = dict[str, Any]
SCORED = {**defects.DEFECTS, **simulated_judges.DEFECTS}
"""Those that are planted on scores."""
DEFECTS: Mapping[str, str] = {
    **{name: defect.says for name, defect in SCORED.items()},
    **{name: defect.says for name, defect in deeper_defects.OF_MODELS.items()},
    deeper_defects.LEAKED: deeper_defects.LEAK_SAYS,
}
"""Every defect, with what is planted in words."""
MISTAKE = "refused before any check"
CONTROLS: Mapping[str, Callable[[Row], bool]] = {
    "strong, all": lambda row: row["kind"] == "strong",
    "strong ensembles": lambda row: row["kind"] == "strong" and not row["is_alone"],
    "strong members alone": lambda row: row["kind"] == "strong" and row["is_alone"],
    "weak, all": lambda row: row["kind"] == "weak",
    "weak ensembles": lambda row: row["kind"] == "weak" and not row["is_alone"],
    "weak members alone": lambda row: row["kind"] == "weak" and row["is_alone"],
    "strong and weak, on all items": lambda row: not row["is_half"],
    "strong and weak, on half of the items": lambda row: row["is_half"],
    "strong and weak, all": lambda row: True,
}
HEAD = "| {} | {} | 95 % interval | bound broken most often | mistakes | accuracy |\n| --- |" + " --- |" * 5


def is_control(row: Row) -> bool:
    """Return whether a trial is of a stored reward model that is sound."""
    return row["defect"] is None and row["kind"] != "very weak"


def rate(rows: Sequence[Row]) -> dict[str, Any]:
    """Return how many of some rows are refused, with the Clopper-Pearson 95 % interval, and by what most often."""
    from scipy.stats import binomtest

    refused = [row for row in rows if row["refused"]]
    interval = binomtest(len(refused), len(rows)).proportion_ci(method="exact") if rows else (0.0, 1.0)
    by = Counter(name for row in refused for name in row["by"]).most_common(1)
    known = [row["accuracy"] for row in rows if row["accuracy"] is not None]
    return {
        "refused": len(refused),
        "num": len(rows),
        "interval": tuple(map(float, interval)),
        "by": by[0] if by else None,
        "mistakes": sum(row["mistake"] is not None for row in rows),
        "accuracy": mean(known) if known else None,
    }


def summarise(rows: Sequence[Row]) -> dict[str, Any]:
    """Return the last line: the defects, how many trials of them were caught, and the false alarms of stored models."""
    planted = rate([row for row in rows if row["defect"] in DEFECTS])
    clean = rate([row for row in rows if is_control(row)])
    return {
        "defects": list(DEFECTS),
        "caught": planted["refused"],
        "trials": planted["num"],
        "false_alarms": clean["refused"],
        "clean_trials": clean["num"],
    }


def cells(found: Mapping[str, Any]) -> str:
    """Return a rate as the cells of a row of the table."""
    low, high = found["interval"]
    name, count = found["by"] or ("-", 0)
    by = name if name == "-" else f"{name} ({count})" if name == MISTAKE else f"`{name}` ({count})"
    accuracy = "-" if found["accuracy"] is None else f"{found['accuracy']:.2f}"
    return f"{found['refused']} of {found['num']} | {low:.2f} to {high:.2f} | {by} | {found['mistakes']} | {accuracy}"


def table(rates: Mapping[str, Mapping[str, Any]], first: str, second: str) -> str:
    """Return rates as a table, names in the first column."""
    return "\n".join([HEAD.format(first, second), *(f"| {name} | {cells(found)} |" for name, found in rates.items())])


def through(rates: Mapping[str, Mapping[str, Any]]) -> str:
    """Return in words which defects get through always, and which at times."""
    tried = {name: found for name, found in rates.items() if found["num"]}
    always = [name for name, found in tried.items() if not found["refused"]]
    at_times = [f"{name} ({f['num'] - f['refused']} of {f['num']})" for name, f in tried.items() if f["refused"]]
    partly = [told for told in at_times if not told.rpartition("(")[2].startswith("0 ")]
    return (
        f"Gets through always: {', '.join(always) or 'none'}. At times: {', '.join(partly) or 'none'}. "
        "Always caught: all others."
    )


def page(rows: Sequence[Row], written: str) -> str:
    """Return the page.

    Args:
        rows: from `gates.measure_seed`, of all worlds.
        written: the command, its date and the commit.
    """
    told, seeds = summarise(rows), sorted({row["seed"] for row in rows})
    bounds = {name: one for name, one in load_params().validation.bounds.items() if one.severity == "block"}
    alone = {name: one for name, one in auditing.read_bounds(None).items() if one.severity == "block"}
    shipped = "\n".join(f"- `{name}`: {limits(bound.model_dump())}" for name, bound in bounds.items())
    return f"""# Do the gates refuse what is broken, and admit what is sound?

Written by {written}; worlds with seeds {seeds[0]} to {seeds[-1]}.
Caught: {told["caught"]} of {told["trials"]} trials of {len(DEFECTS)} defects.
False alarms: {told["false_alarms"]} of {told["clean_trials"]} sound controls. Intervals are Clopper and Pearson's.

The bounds are those that params.yaml ships, chosen from [development worlds](bounds.md); these worlds were never used
for that. Only bounds that block refuse:

{shipped}

One reward model alone, and a judge, are held to the bounds of `rlhf audit` instead:

{chr(10).join(f"- `{name}`: {limits(bound.model_dump())}" for name, bound in alone.items())}

What is audited: a night's ensemble of four members with the night's checks on the held-out pairs of a world, without
evaluators; judges with {listed(OF_JUDGES)} too.
What one reward model alone gives no value for, such as the agreement of members, only warns. Eight trials of a defect
are planted on the members trained on all pairs, two on those trained on few. `Mistakes` counts trials that were refused
before any check, because a member's rewards were not finite or all the same; they count as caught. `Accuracy` is the
mean over trials of the share of test pairs ordered as annotators did: what is nearly as accurate as a sound ensemble is
hard to see by it, and may do little harm.

{planted(rows)}

{controls(rows)}
"""


def planted(rows: Sequence[Row]) -> str:
    """Return the page's part on planted defects."""
    rates = {name: rate([row for row in rows if row["defect"] == name]) for name in DEFECTS}
    return f"""## Planted defects

{through(rates)}

{table(rates, "defect", "caught")}

What was planted:

{chr(10).join(f"- {name}: {says}." for name, says in DEFECTS.items())}

Not tried:

{chr(10).join(f"- {name}: {why}." for name, why in NOT_TRIED.items())}"""


def controls(rows: Sequence[Row]) -> str:
    """Return the page's part on sound controls."""
    clean = [row for row in rows if is_control(row)]
    beyond = {"very weak": rate([row for row in rows if row["defect"] is None and not is_control(row)])}
    rates = {name: rate([row for row in clean if holds(row)]) for name, holds in CONTROLS.items()}
    judges = {SOUND: rate([row for row in rows if row["defect"] == SOUND])}
    return f"""## Sound controls

Members trained on all 12,000 pairs of a world (strong) and on {FAIR_PAIRS:,} (weak, but honest), four together and one
alone, on all items and on halves of them drawn anew, whose wider intervals make a false alarm likelier.

{table(rates, "control", "false alarms")}

Members trained on {WEAK_PAIRS} pairs, told apart: they were to be controls too, until the development worlds showed
that some of them do not read the prompt, which is what the gates are to refuse:

{table(beyond, "members", "refused")}

Judges made up from gold with no fault but an error of their own, beside those controls and not counted among them:

{table(judges, "control", "false alarms")}"""


def listed(checks: Sequence[str]) -> str:
    """Return checks in words."""
    return ", ".join(f"`{name}`" for name in checks)


def limits(bound: Mapping[str, Any]) -> str:
    """Return a bound in words."""
    sides = {"at least": bound["at_least"], "at most": bound["at_most"]}
    return ", ".join(f"{name} {value:g}" for name, value in sides.items() if value is not None)
