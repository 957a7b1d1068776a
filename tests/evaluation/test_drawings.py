from rlhf_pipeline.evaluation.drawings import interval_bar, stage_picture
from rlhf_pipeline.evaluation.stages import Family
from rlhf_pipeline.verdicts import Bound, Check


def test_each_stage_has_a_box_with_its_state_and_its_description():
    families = [Family("read", "Read <all>.", 1, ("a",), (), ()), Family("train", "", 3, ("b",), (), ("read",))]
    picture = stage_picture(families, {"read": "done", "train": "not-reached"})
    assert '<g class="box done"><title>Read &lt;all&gt;.</title>' in picture
    assert "train × 3" in picture
    assert "not reached" in picture
    assert picture.count("<line") == 1


def test_an_interval_outside_its_bound_is_drawn_as_failed():
    check = Check(name="x", value=0.4, low=0.3, high=0.5, bound=Bound(at_least=0.45), passed=False)
    bar = interval_bar(check)
    assert 'class="bar failed"' in bar
    assert bar.count('class="bound"') == 1


def test_a_counted_value_on_its_bound_can_be_drawn():
    check = Check(name="x", value=0.0, low=0.0, high=0.0, bound=Bound(at_most=0), passed=True)
    assert 'class="bar passed"' in interval_bar(check)


def test_what_was_not_measured_has_no_bar():
    assert interval_bar(Check(name="x", value=None, low=None, high=None, bound=Bound(at_least=0), passed=False)) == ""
