from dataclasses import dataclass

from rlhf_pipeline.evaluation.metrics.length import completion_tokens, empty_fraction, truncated_fraction


@dataclass
class Drawn:
    text: str
    completion_ids: list[int]
    is_truncated: bool


SAMPLES = [
    Drawn("a b c", [1, 2, 3], False),
    Drawn(" ", [9], False),
    Drawn("a b", [1, 2], True),
    Drawn("x", [1, 2], False),
]


def test_lengths_are_means_over_a_prompts_samples():
    assert completion_tokens(SAMPLES) == 2.0
    assert truncated_fraction(SAMPLES) == 0.25
    assert empty_fraction(SAMPLES) == 0.25
