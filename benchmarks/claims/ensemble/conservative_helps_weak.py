"""Whether the least over members helps more where the members are weak."""

from benchmarks.claims import Claim, Settings
from benchmarks.claims.lab import Lab
from benchmarks.claims.parts import ensembles, joining, samples

CLAIM = Claim(
    method="validation/aggregators/min",
    paper="Coste et al. 2023, arXiv:2310.02743",
    says="conservative aggregation helps most where the members are weak",
    metric="gold of the best of 64 by the least over members less that by the mean; without: 12,000 pairs, with: 500",
    smallest=0.1,
    without=({"members": "strong"},),
    with_=({"members": "weak"},),
)


def measure(lab: Lab, settings: Settings) -> float:
    """Return what the least over members gains over the mean."""
    drawn = samples.draw(lab)
    gold = samples.gold(lab, drawn)
    raw = samples.rewards(lab, getattr(ensembles, settings["members"])(lab), drawn)
    least, mean = (joining.gold_of_best(joining.join(raw, aggregator), gold) for aggregator in ("min", "mean"))
    return least - mean
