import json
from collections.abc import Callable
from pathlib import Path

import pytest

from flows import promotion
from flows.graph import read_graph
from flows.stages import Outcome, State
from rlhf_pipeline import tracking
from rlhf_pipeline.verdicts import Bound

Edit = Callable[[str, str, str], None]


def promote() -> Outcome:
    return promotion.promote(read_graph())


def champion() -> str:
    client, _ = tracking.open_store()
    return str(client.get_model_version_by_alias(promotion.MODEL, promotion.ALIAS).version)


def new_policy(text: str) -> None:
    """Put another policy in place of tonight's, as if a night had made it."""
    weights = promotion.POLICY / "weights.txt"
    weights.unlink()
    weights.write_text(text)


@pytest.fixture
def clean(after_night: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a project after a night; its graph calls nothing stale, whatever a test puts under data/."""
    stages = read_graph()
    fresh = type(stages)(stages.stages, frozenset(), stages.cache)
    monkeypatch.setattr(f"{__name__}.read_graph", lambda: fresh)
    return after_night


def test_the_champion_is_not_promoted_again(clean: Path) -> None:
    outcome = promote()
    assert (outcome.state, champion()) == (State.UNCHANGED, "1")
    assert "already champion" in outcome.reason


def test_promote_roll_back_and_promote_again(clean: Path) -> None:
    new_policy("better")
    assert promote().state is State.COMPLETED
    assert champion() == "2"
    assert promotion.rollback().state is State.COMPLETED
    assert champion() == "1"
    again = promote()
    assert (again.state, champion()) == (State.COMPLETED, "2")  # the version that exists, not a copy of it
    assert "wins 0.60 [0.55, 0.65] against version 1 by gold" in again.reason
    assert promotion.rollback().state is State.COMPLETED
    assert promotion.rollback() == Outcome(State.REFUSED, reason="there is no earlier champion")


def test_the_champion_can_be_loaded_from_the_registry(clean: Path) -> None:
    from mlflow.artifacts import download_artifacts

    client, _ = tracking.open_store()
    version = client.get_model_version_by_alias(promotion.MODEL, promotion.ALIAS)
    assert version.source
    folder = Path(download_artifacts(version.source))
    assert (folder / "weights.txt").read_text() == "policy of good rows"
    assert version.tags["admitted"] == "true"


def test_a_challenger_that_does_not_win_is_refused(clean: Path) -> None:
    new_policy("worse")
    Path("loses").touch()
    assert promote().state is State.REFUSED
    assert champion() == "1"


def test_a_policy_that_looser_bounds_let_through_is_not_promoted_over_the_champion(
    clean: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = promotion.bounds_of(read_graph())
    tight, loose = ({**own, "validation/accuracy/ensemble": Bound(at_least=low)} for low in (0.6, 0.5))
    monkeypatch.setattr(promotion, "bounds_of", lambda graph: tight)
    new_policy("held to the tight bounds")
    assert promote().state is State.COMPLETED
    monkeypatch.setattr(promotion, "bounds_of", lambda graph: loose)
    new_policy("let through")
    refused = promote()
    assert (refused.state, champion()) == (State.REFUSED, "2")
    assert "version 2: validation/accuracy/ensemble: at_least 0.6 -> 0.5; tighten them" in refused.reason
    assert promotion.promote(read_graph(), allow_looser=True).state is State.COMPLETED
    new_policy("held to what is now the standard")
    assert promote().state is State.COMPLETED


def test_the_bounds_of_every_gate_are_kept_with_the_champion(clean: Path) -> None:
    new_policy("better")
    assert promote().state is State.COMPLETED
    client, _ = tracking.open_store()
    kept = json.loads(client.get_model_version_by_alias(promotion.MODEL, promotion.ALIAS).tags["bounds"])
    assert {name.partition("/")[0] for name in kept} == {"curation", "evaluation"}


def test_a_duel_that_breaks_fails_and_leaves_the_champion(clean: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    new_policy("other")
    monkeypatch.setattr("flows.champion.MODULE", "no_such_module")
    assert promote().state is State.FAILED
    assert champion() == "1"


def test_a_policy_that_passed_no_gate_is_refused(toy: Path) -> None:
    outcome = promote()
    assert outcome.state is State.REFUSED
    assert "has not passed its evaluation" in outcome.reason


def test_a_gate_of_another_night_says_nothing_about_this_policy(after_night: Path, edit: Edit) -> None:
    edit("input.txt", "good", "bad")
    outcome = promote()
    assert outcome.state is State.REFUSED
    assert "not up to date: curation" in outcome.reason


@pytest.mark.parametrize("stage", ["curation", "evaluation"])
@pytest.mark.parametrize("is_enforced", [True, False])
def test_a_gate_that_does_not_admit_is_obeyed_though_the_night_went_on(
    clean: Path, stage: str, is_enforced: bool
) -> None:
    new_policy("other")
    gate = promotion.LAST_GATE.with_stem(stage)
    gate.unlink()
    gate.write_text(json.dumps({"admitted": False, "enforced": is_enforced}))
    outcome = promote()
    assert (outcome.state, champion()) == (State.REFUSED, "1")
    assert f"not admitted: {stage};" in outcome.reason
    assert "\n" not in outcome.reason


def test_a_policy_is_offered_once(after_night: Path) -> None:
    graph = read_graph()
    assert promotion.is_offered(graph)
    promotion.OFFERED.unlink()
    assert not promotion.is_offered(graph)
