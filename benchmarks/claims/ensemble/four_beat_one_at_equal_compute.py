"""The night's four members against one model that costs as much to train."""

from pathlib import Path

from benchmarks.claims import Claim, Settings
from benchmarks.claims.lab import Lab
from benchmarks.claims.parts import ensembles, joining, larger, members, samples

CLAIM = Claim(
    method="validation/aggregators/mean",
    paper="Coste et al. 2023, arXiv:2310.02743",
    says="four members beat one that is trained with as much compute: four times as long, or four times as large",
    metric="gold of the best of 64, mean over prompts",
    smallest=0.1,
    without=({"one": "long"}, {"one": "wide"}),
    with_=({"trunks": 2}, {"trunks": 1}),
)
ONE = {"long": larger.long, "wide": larger.wide}


def measure(lab: Lab, settings: Settings) -> float:
    """Return the gold of the best of n by four members' mean, or by one model of equal cost."""
    drawn = samples.draw(lab)
    models = four(lab, settings["trunks"]) if "trunks" in settings else [ONE[settings["one"]](lab)]
    return joining.gold_of_best(joining.join(samples.rewards(lab, models, drawn)), samples.gold(lab, drawn))


def four(lab: Lab, trunks: int) -> list[Path]:
    """Return four members, on two trunks or on one."""
    return ensembles.strong(lab) if trunks == 2 else [members.member(lab, name) for name in ensembles.TRUNKS]
