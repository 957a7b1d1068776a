from rlhf_pipeline.evaluation.metrics.gap_closed import gap_closed


def test_half_way_to_the_best_closes_half_the_gap():
    assert gap_closed(reference=1.0, policy=2.0, best=3.0) == 0.5


def test_a_worse_policy_closes_a_negative_share():
    assert gap_closed(reference=1.0, policy=0.0, best=3.0) == -0.5


def test_without_a_gap_nothing_is_closed():
    assert gap_closed(reference=3.0, policy=3.0, best=3.0) == 0.0
