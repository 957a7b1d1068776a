"""An audit by domain against the accuracy as a whole, on judges whose rubric drifted on two subjects of six."""

from functools import lru_cache

from benchmarks import simulated_judges
from benchmarks.claims import Claim, Settings
from benchmarks.claims.lab import Lab
from benchmarks.claims.parts import audits, worlds
from benchmarks.defects import Case
from rlhf_pipeline.params import load_params
from rlhf_pipeline.validation import audit
from rlhf_pipeline.verdicts import Bound, Interval, check

NUM_JUDGES = 12
"""Of each kind; a drift of each strength is a third of them."""
METHOD = "rubric_drift_audit"

CLAIM = Claim(
    method="validation/checks/rubric_drift_audit",
    paper="Rubrics as an Attack Surface: Stealthy Preference Drift in LLM Judges",
    says="a trusted audit set, read by domain, finds the rubric that the benchmark's accuracy lets through",
    metric="share of 12 drifted judges that are flagged less the share of 12 sound ones",
    smallest=0.3,
    without=(
        {"finding": "accuracy/ensemble", "at_least": 0.55},
        {"finding": "accuracy/ensemble", "at_least": 0.65},
    ),
    with_=(
        {"finding": "domains_drifted/ensemble", "at_most": 0, "num_domains": 6},
        {"finding": "domains_drifted/ensemble", "at_most": 0, "num_domains": 8},
    ),
)


def measure(lab: Lab, settings: Settings) -> float:
    """Return by how much more often drifted judges break a bound than sound ones."""
    bound = Bound(**{side: settings[side] for side in ("at_least", "at_most") if side in settings})
    drifted, sound = (
        [
            not check(settings["finding"], one[settings["finding"]], bound).passed
            for one in found(lab, settings.get("num_domains", 8), is_drifted)
        ]
        for is_drifted in (True, False)
    )
    return (sum(drifted) - sum(sound)) / NUM_JUDGES


@lru_cache(maxsize=8)
def found(lab: Lab, num_domains: int, is_drifted: bool) -> list[dict[str, Interval]]:
    """Return what the audit of each judge of a kind found, by metric."""
    # All slices of this world are of how a prompt is put, not of its matter, so domains are found.
    settings = {METHOD: {"num_domains": num_domains, "domains": "found"}}
    planned = audits.plan(lab, ["accuracy", METHOD], settings)
    worth = simulated_judges.worth(worlds.world(lab), planned.table)[None]
    plant = simulated_judges.DEFECTS["drifted rubric"].plant if is_drifted else simulated_judges.sound
    section = load_params().validation
    results = []
    for number in range(NUM_JUDGES):
        seed = lab.derive("rubric drift", number)
        subject = plant(Case(planned, worth, worth, lambda said: worth[:, :0], number, seed))
        results.append(audit.intervals(audits.of_subject(planned, subject, ["judge"], section, seed)))
    return results
