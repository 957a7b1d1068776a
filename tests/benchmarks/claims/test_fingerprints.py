"""Tests of what a measurement depends on."""

from benchmarks.claims import catalogue, fingerprints


def test_a_docstring_or_a_comment_changes_nothing_and_a_number_does(tmp_path):
    texts = ['"""One."""\n\n\ndef f():\n    """Two."""\n    return 1\n', "def f():\n    return 1  # one\n"]
    texts.append("def f():\n    return 2\n")
    for number, text in enumerate(texts):
        (tmp_path / f"{number}.py").write_text(text, encoding="utf-8")
    first, same, other = (fingerprints.of(tmp_path / f"{number}.py") for number in range(3))
    assert first == same != other


def test_a_claim_depends_on_the_parts_it_imports_and_on_no_others():
    entry = catalogue.read(("least_beats_mean_weak",))[0]
    reached = {path.name for path in fingerprints._closure(entry.file)}
    assert {"least_beats_mean_weak.py", "aggregating.py", "samples.py", "worlds.py"} <= reached
    assert "mean_beats_member.py" not in reached


def test_a_claim_depends_on_the_benchmarks_it_imports_and_not_on_what_runs_it():
    entry = catalogue.read(("domain_audit_finds_drift",))[0]
    reached = {path.name for path in fingerprints._closure(entry.file)}
    assert {"simulated_judges.py", "defects.py", "audits.py"} <= reached
    assert not {"lab.py", "running.py", "clone.py", "gates_page.py"} & reached


def test_a_method_depends_on_the_shared_parts_it_imports():
    folder = fingerprints.REPOSITORY / "rlhf_pipeline/validation"
    shared = fingerprints._shared(folder / "searches/targeted_behavior_attack.py")
    assert {"_attacker.py", "_victims.py", "_writing.py"} <= {path.name for path in shared}
    assert fingerprints._shared(folder / "aggregators/mean.py") == set()


def test_a_policy_depends_on_the_loop_that_trains_it_and_not_on_what_watches_it():
    reached = {path.name for path in fingerprints._files(fingerprints.REPOSITORY / "rlhf_pipeline/policy")}
    assert {"training.py", "grpo.py", "watching.py"} <= reached
    assert "reward_hack_monitor.py" not in reached


def test_another_method_is_another_key():
    entry = catalogue.read(("least_beats_mean_weak",))[0]
    assert entry.key != fingerprints.key(entry.file, "validation/aggregators/mean")
