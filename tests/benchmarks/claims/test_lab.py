"""Tests of where a claim is measured."""

import sys

from transformers.utils import logging

from benchmarks.claims.lab import Lab
from benchmarks.claims.sizes import TOY


def test_what_the_making_of_a_part_prints_and_logs_stands_beside_it_and_what_comes_after_does_not(tmp_path, capsys):
    lab = Lab(0, TOY, tmp_path)

    def tell(words):
        print(words)
        print(words, file=sys.stderr)
        logging.get_logger("transformers.models").warning(words)

    outer = lab.part("outer", lambda _: (tell("one"), lab.part("inner", lambda _: tell("two"), ()), tell("three")), ())
    tell("after")
    (inner,) = tmp_path.glob("inner/*.log")
    assert inner.read_text().count("two") == 3
    assert [outer.with_suffix(".log").read_text().count(words) for words in ("one", "two", "three")] == [3, 0, 3]
    assert "Logging error" not in capsys.readouterr().err
