"""Test of the claim on the audit by domain, at a small size."""

from benchmarks.claims.lab import Lab
from benchmarks.claims.robustness import domain_audit_finds_drift as claim
from benchmarks.claims.sizes import TOY


def test_the_audit_by_domain_flags_what_the_accuracy_as_a_whole_lets_through(tmp_path, monkeypatch):
    monkeypatch.setattr(claim, "NUM_JUDGES", 3)  # one of each strength
    lab = Lab(0, TOY, tmp_path)
    without, with_ = (claim.measure(lab, settings) for settings in (claim.CLAIM.without[0], claim.CLAIM.with_[1]))
    assert without == 0
    assert with_ in (1 / 3, 2 / 3, 1)
