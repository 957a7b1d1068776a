"""Claims that are planted: their truth is known."""

import pytest

from benchmarks.claims import catalogue
from benchmarks.claims.running import Place

NOTHING = '''
"""A method that does nothing: both arms draw the same noise."""

import random

from benchmarks.claims import Claim

CLAIM = Claim("validation/aggregators/mean", "none", "nothing", "noise", smallest=0.1)


def measure(lab, settings):
    return random.Random(f"{lab.seed} {len(settings)}").gauss(0, 0.02)
'''
REAL = '''
"""A method that helps by one, where its knob is right."""

import random

from benchmarks.claims import Claim

CLAIM = Claim(
    "validation/aggregators/mean", "none", "one more", "points", smallest=0.1,
    without=({"knob": 0}, {"knob": -1}), with_=({"knob": 5}, {"knob": 1}),
)


def measure(lab, settings):
    return random.Random(f"{lab.seed}").gauss(0, 1) + {0: 0.0, -1: -1.0, 5: 0.5, 1: 1.0}[settings["knob"]]
'''


@pytest.fixture
def place(tmp_path):
    folder = tmp_path / "claims"
    (folder / "planted").mkdir(parents=True)
    for name, text in (("nothing", NOTHING), ("real", REAL)):
        (folder / "planted" / f"{name}.py").write_text(text.lstrip(), encoding="utf-8")
    return Place(folder, tmp_path / "parts", tmp_path / "book.jsonl")


@pytest.fixture
def entries(place):
    return {entry.name: entry for entry in catalogue.read(folder=place.claims)}
