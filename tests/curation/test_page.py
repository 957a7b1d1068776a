import pytest

from rlhf_pipeline.curation import page
from rlhf_pipeline.curation.contract import Contract
from rlhf_pipeline.curation.curate import Curated, curate
from rlhf_pipeline.curation.expectations import Expectation
from rlhf_pipeline.curation.pair_checks import measure_pairs
from rlhf_pipeline.curation.sources import Raw
from rlhf_pipeline.params import Curation, Split
from rlhf_pipeline.verdicts import Bound, judge


@pytest.fixture
def rendered(pairs, pair):
    hostile = pair("bad", prompt="<script>alert(1)</script>", chosen="same", rejected="same", slice="x")
    split = Split(validation=0.1, test=0.1, evaluator=0.1)
    params = Curation(source="pairs", input="", text="", filters=["usable"], split=split)
    curated: Curated = curate(Raw([*pairs(60), hostile]), params, seed=0)
    measured = measure_pairs(curated, seed=0)
    verdict = judge(measured, {"rows/train": Bound(at_least=1000), "leaked_groups": Bound(at_most=0)})
    return page.render(curated, Contract(measured, [Expectation("no id stands twice", True)], verdict))


def test_the_page_says_how_many_were_dropped_by_which_filter_and_why(rendered):
    assert "61 pairs were read" in rendered
    assert "usable" in rendered
    assert "sides are equal" in rendered
    assert "its group gives evaluation prompts" in rendered


def test_the_page_shows_the_refusal_and_the_check_that_failed(rendered):
    assert 'class="bad">refused' in rendered
    assert "≥ 1000" in rendered
    assert "groups that stand in more than one split" in rendered


def test_cells_are_escaped_and_nothing_is_loaded_from_elsewhere(rendered):
    assert "<script" not in rendered
    assert "&lt;script&gt;alert(1)" in rendered
    assert "http" not in rendered


def test_long_text_shows_its_beginning_and_its_end():
    shown = page.shorten("begin " + "x " * 1000 + "end")
    assert shown.startswith("begin")
    assert shown.endswith("end")
    assert len(shown) < 250
