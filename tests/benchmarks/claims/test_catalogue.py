"""Tests of the claims there are."""

import pytest

from benchmarks.claims import Claim, catalogue, fingerprints
from rlhf_pipeline.methods import MethodError

ENTRIES = catalogue.read()


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)
def test_every_claim_is_about_a_method_that_is_there(entry):
    assert (fingerprints.REPOSITORY / "rlhf_pipeline" / f"{entry.claim.method}.py").exists()
    assert all(getattr(entry.claim, name).strip() for name in ("paper", "says", "metric"))


def test_no_two_claims_share_a_name():
    assert len({entry.name for entry in ENTRIES}) == len(ENTRIES)


def test_an_unknown_name_names_near_ones():
    with pytest.raises(MethodError, match="mean_beats_member"):
        catalogue.read(("mean_beats_membre",))
    with pytest.raises(MethodError, match="ensemble"):
        catalogue.read(family="ensembles")


def test_a_family_is_a_folder():
    assert {entry.family for entry in catalogue.read(family="ensemble")} == {"ensemble"}
    assert [entry.name for entry in catalogue.read(("mean_beats_member",))] == ["mean_beats_member"]


def test_a_method_without_a_claim_is_told_unless_it_is_true_by_construction():
    missing = catalogue.methods_without_claim(ENTRIES, {})
    assert "validation/aggregators/mean" not in missing
    assert "rewards/objectives/bradley_terry" in missing
    assert "rewards/objectives/bradley_terry" not in catalogue.methods_without_claim(
        ENTRIES, {"rewards/objectives/bradley_terry": "the formula"}
    )


def test_what_is_measured_elsewhere_is_there_and_its_page_too(root):
    known = set(catalogue.methods_without_claim([], {}))
    assert set(catalogue.MEASURED) <= known
    assert all((root / page).exists() for page in catalogue.MEASURED.values())


def test_both_arms_get_the_same_budget():
    with pytest.raises(ValueError, match="1 settings without, 2 with"):
        Claim("m", "p", "s", "m", 0.1, without=({},), with_=({"c": 1}, {"c": 2}))
    with pytest.raises(ValueError, match="above 0"):
        Claim("m", "p", "s", "m", 0.0)


def test_what_is_true_by_construction_has_its_tests(root):
    proven = catalogue.by_construction()
    assert "curation/sources/hub" in proven
    assert [name for name, file in proven.items() if not (root / file).exists()] == []
