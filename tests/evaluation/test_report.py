import subprocess
import sys
from functools import cache

import pytest

from rlhf_pipeline.evaluation.report import render
from rlhf_pipeline.models import REMOTE_CODE


@pytest.fixture(scope="module")
def page(make_night, tmp_path_factory):
    """Return a function from a night's shape to its page; a page is drawn once."""

    @cache
    def read(**shape):
        return render(make_night(**shape), tmp_path_factory.mktemp("reports") / "new/latest.html").read_text()

    return read


def test_a_complete_night_is_admitted_with_its_numbers_and_pictures(page):
    html = page()
    assert '<div class="banner admitted"><strong>Admitted</strong>' in html
    assert "1.31 → 2.92" in html
    assert "gain 1.61 (1.49 to 1.74)" in html
    for heading in ("Proxy and yardsticks", "Gold, attribute by attribute", "Calibration", "Samples side by side"):
        assert heading in html
    assert html.count('<svg class="plot"') == 7
    assert "not reached" not in html


def test_a_refused_validation_shows_why_and_nothing_of_a_policy(page):
    html = page(accuracy=0.52)
    assert '<div class="banner refused"><strong>Refused at validation</strong>' in html
    assert "Share of test pairs ordered as labelled by the ensemble: 0.520 (95 % interval 0.500 to 0.540)" in html
    assert "Proxy and yardsticks" not in html
    assert "not reached" in html


def test_what_an_older_night_left_behind_a_refusal_is_not_shown(make_night, tmp_path):
    root = make_night()
    refused = make_night(accuracy=0.52)
    (root / "data/gate/validation.json").unlink()
    verdict = "data/validation/verdict.json"
    (root / verdict).write_text((refused / verdict).read_text())
    html = render(root, tmp_path / "page.html").read_text()
    assert "Refused at validation" in html
    assert "Samples side by side" not in html
    assert "Gold reward" not in html


def test_a_night_that_was_not_enforced_says_so_first(page):
    html = page(accuracy=0.52, is_enforced=False)
    assert '<div class="banner unenforced"><strong>Not enforced: refused at validation</strong>' in html
    assert "refused, not enforced" in html
    assert "Proxy and yardsticks" in html
    assert '<div class="banner admitted">' not in html


def test_code_of_a_checkpoint_that_ran_is_told_at_the_top(make_night, tmp_path):
    night = make_night()
    mark = night / "data/rewards/members/a" / REMOTE_CODE
    mark.parent.unlink()  # an output of the laid night is an empty file
    mark.parent.mkdir()
    mark.write_text("{}")
    told = "Code that came with a checkpoint ran (trust_remote_code): data/rewards/members/a."
    assert told in render(night, tmp_path / "told.html").read_text()
    mark.unlink()
    assert "trust_remote_code" not in render(night, tmp_path / "plain.html").read_text()


def test_a_refused_evaluation_is_refused(page):
    html = page(gain=-0.3)
    assert "Refused at evaluation" in html
    assert "Gain over the reference by the evaluators: −0.300" in html


def test_without_gold_nothing_of_gold_is_claimed(page):
    html = page(has_gold=False)
    assert "Admitted" in html
    assert "Gold reward" not in html
    assert "attribute by attribute" not in html
    assert "1.40" in html


def test_a_stage_renders_its_own_report_before_its_gate_has_judged(make_night, tmp_path):
    root = make_night()
    (root / "data/evaluation/report.html").unlink()
    html = render(root, tmp_path / "page.html", before_gate="evaluation").read_text()
    assert "Samples side by side" in html
    assert "Admitted" in html


def test_a_picture_whose_numbers_are_missing_is_left_out_and_nothing_else(make_night, tmp_path):
    root = make_night()
    for name in ("policy/trajectory.csv", "evaluation/curve.csv"):
        (root / "data" / name).unlink()
    html = render(root, tmp_path / "page.html").read_text()
    assert "Admitted" in html
    assert "1.31 → 2.92" in html
    assert "Gold, attribute by attribute" in html
    assert html.count('<svg class="plot"') == 5


def test_an_empty_project_has_a_report_too(make_night, tmp_path):
    root = make_night()
    for path in (root / "data/curation").iterdir():
        path.unlink()
    html = render(root, tmp_path / "page.html").read_text()
    assert "Unfinished" in html
    assert "No stage has judged yet" in html


def test_the_champion_and_the_challenger_are_told_apart(make_night, tmp_path):
    duel = {"win_rate": 0.56, "low": 0.52, "high": 0.6, "judge": "evaluators", "num_prompts": 200, "passed": False,
            "mean_difference": 0.2, "difference_low": -0.1, "difference_high": 0.3}  # fmt: skip
    html = render(make_night(accuracy=0.52), tmp_path / "page.html", duel).read_text()
    assert "the champion stays" in html
    assert "judged by the evaluators" in html


def test_nothing_is_fetched_and_samples_are_escaped(page):
    html = page()
    assert "http" not in html
    assert "<script" not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html
    assert "in &lt;b&gt;winter" in html
    assert "empty &lt;chosen&gt;" in html
    assert "src=" not in html


def test_the_same_night_gives_the_same_bytes(make_night, tmp_path):
    root = make_night(has_gold=False)
    first, second = (render(root, tmp_path / f"{i}.html").read_bytes() for i in range(2))
    assert first == second


def test_the_command_renders_without_torch(make_night, tmp_path):
    code = "import sys; from rlhf_pipeline.evaluation.report import main; main(); assert 'torch' not in sys.modules"
    out = tmp_path / "latest.html"
    arguments = ["--root", str(make_night(accuracy=0.52)), "--out", str(out)]
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == str(out)
