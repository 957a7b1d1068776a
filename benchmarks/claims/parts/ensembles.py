"""The ensembles that claims compare: four members on two trunks, as the night has them, and weak ones."""

from pathlib import Path

from benchmarks.claims.lab import Lab
from benchmarks.claims.parts import members

TRUNKS = {"a": "first", "b": "second", "c": "first", "d": "second"}
WEAK_PAIRS = 500
FAIR_PAIRS = 2000


def strong(lab: Lab) -> list[Path]:
    """Return the night's four members: two fine-tunings of each of two trunks, all on every train pair."""
    return [members.member(lab, name, trunk) for name, trunk in TRUNKS.items()]


def fair(lab: Lab) -> list[Path]:
    """Return the same four trained on a sixth of the pairs: weak, but all of them read the prompt."""
    return [members.member(lab, name, trunk, num_pairs=FAIR_PAIRS) for name, trunk in TRUNKS.items()]


def mixed(lab: Lab) -> list[Path]:
    """Return the night's first two members beside two that were trained on few pairs."""
    return [*strong(lab)[:2], *weak(lab)[2:]]


def weak(lab: Lab) -> list[Path]:
    """Return the same four trained on few pairs."""
    return [members.member(lab, name, trunk, num_pairs=WEAK_PAIRS) for name, trunk in TRUNKS.items()]
