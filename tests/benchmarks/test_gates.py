"""Tests of the trial of the gates: what is planted is what its name says, and rates and page tell it as it is."""

import dataclasses
import json

import pytest
import torch

from benchmarks import defects, gates, gates_page, simulated_judges
from benchmarks.claims.sizes import TOY
from benchmarks.defects import Case, Subject
from benchmarks.gates_page import DEFECTS, SCORED
from rlhf_pipeline import recorded
from rlhf_pipeline.params import load_params
from rlhf_pipeline.records import text
from rlhf_pipeline.simulation.pairs import draw_contrast, draw_pairs
from rlhf_pipeline.simulation.words import FLATTERY
from rlhf_pipeline.simulation.world import World, WorldParams
from rlhf_pipeline.validation import audit
from rlhf_pipeline.validation.items import Inputs
from rlhf_pipeline.verdicts import Bound

WORLD = World(0, WorldParams())
CHECKS = ["accuracy", "contrast", "degenerate", *simulated_judges.OF_JUDGES]
BOUNDS = {
    "accuracy/ensemble": Bound(at_least=0.55),
    "contrast_consistency/ensemble": Bound(at_least=0.55),
    "degenerate_low/ensemble": Bound(at_least=0.7),
    "order_swap_instability/ensemble": Bound(at_most=0.3),
    "ntr_3/ensemble": Bound(at_most=0.15),
}
SECTION = load_params().validation.model_copy(update={"bounds": BOUNDS})
NO_CHECK_SEES = {
    "labels partly shuffled", "one member broken", "duplicated members", "exploit rewarded", "second exploit rewarded",
    "stale normalisation", "wrong template", "truncated inputs", "low-precision overflow", "drifted rubric",
}  # fmt: skip
"""What need not be refused here: small, without harm to the order, or of a kind that these five bounds do not judge."""


def gold(conversation) -> float:
    *prompt, completion = conversation
    return WORLD.gold(text(prompt), completion["content"]).total


@pytest.fixture(scope="module")
def sound() -> Case:
    """Four members that know gold but for a little noise, on pairs of a real world."""
    inputs = Inputs(
        test=draw_pairs(WORLD, 120, "test"),
        validation=draw_pairs(WORLD, 40, "validation"),
        contrast=draw_contrast(WORLD, 60),
    )
    planned = audit.plan(inputs, CHECKS, {"judge_consistency": {}, "judge_consistency_sage": {}})

    def score(conversations):
        found = torch.tensor([gold(one) for one in conversations])
        return found + 0.1 * torch.randn(4, len(found), generator=torch.Generator().manual_seed(0))

    raw = score(planned.table.conversations)
    return Case(planned, raw, 3 * raw, score, number=0, seed=1)


def at(case: Case, number: int) -> Case:
    return dataclasses.replace(case, number=number)


def of_judges(case: Case) -> Case:
    return dataclasses.replace(case, raw=simulated_judges.worth(WORLD, case.planned.table)[None])


def verdict(case: Case, subject: Subject) -> dict:
    return gates.judge(case.planned, subject, SECTION, seed=0)


def test_a_sound_ensemble_and_a_sound_judge_are_admitted(sound):
    assert verdict(sound, Subject(sound.raw))["by"] == []
    assert verdict(sound, simulated_judges.sound(of_judges(sound)))["by"] == []


@pytest.mark.parametrize("name", sorted(set(defects.DEFECTS) - NO_CHECK_SEES))
def test_what_reads_nothing_that_matters_is_refused(sound, name):
    assert verdict(sound, defects.DEFECTS[name].plant(sound))["refused"]


@pytest.mark.parametrize("name", ["position-biased judge", "intransitive judge"])
def test_a_judge_that_contradicts_itself_is_refused_by_what_it_compares_alone(sound, name):
    case = at(of_judges(sound), 2)
    found = verdict(case, SCORED[name].plant(case))
    assert found["refused"]
    assert set(found["by"]) <= {"order_swap_instability/ensemble", "ntr_3/ensemble"}


def test_a_reward_that_is_not_finite_or_one_number_is_refused_before_any_check_and_says_so(sound):
    for name, number in (("one member broken", 2), ("one member broken", 3), ("low-precision overflow", 1)):
        found = verdict(sound, SCORED[name].plant(at(sound, number)))
        assert found["by"] == [gates_page.MISTAKE]
        assert "member" in found["mistake"]
    constant = SCORED["constant"].plant
    assert verdict(sound, constant(at(sound, 0)))["mistake"]
    rounded = verdict(sound, constant(at(sound, 1)))
    assert rounded["refused"]
    assert rounded["mistake"] is None


def test_a_mistake_of_the_bounds_counts_as_no_catch(sound):
    section = SECTION.model_copy(update={"bounds": {"acuracy/ensemble": Bound(at_least=0.5)}})
    with pytest.raises(Exception, match="no check measures"):
        gates.judge(sound.planned, Subject(sound.raw), section, seed=0)


def test_one_member_is_broken_and_three_are_as_they_were(sound):
    changed = (SCORED["one member broken"].plant(sound).raw != sound.raw).any(dim=1)
    assert changed.sum() == 1


@pytest.mark.parametrize(("number", "distinct"), [(0, 1), (1, 2)])
def test_duplicated_members_are_one_or_two_distinct_ones(sound, number, distinct):
    raw = SCORED["duplicated members"].plant(at(sound, number)).raw
    assert len(raw) == 4
    assert len(raw.unique(dim=0)) == distinct


@pytest.mark.parametrize(("number", "marker"), [(0, "nobody spoke"), (1, "la la la .")])
def test_an_exploit_is_paid_in_spreads_where_its_marker_stands(sound, number, marker):
    for name, word in (("exploit rewarded", FLATTERY), ("second exploit rewarded", marker)):
        case = at(sound, number)
        paid = SCORED[name].plant(case).raw - case.unit()
        has = torch.tensor([word in said for said in case.completions])
        assert torch.allclose(paid, has * [1.0, 2.0][number], atol=1e-4)


def test_the_second_exploit_of_even_trials_stands_in_held_out_texts_and_that_of_odd_ones_does_not(sound):
    assert [any(m in said for said in sound.completions) for m in defects.SECOND_MARKERS] == [True, False]


def test_stale_statistics_are_those_of_other_members(sound):
    subject = SCORED["stale normalisation"].plant(sound)
    assert torch.equal(subject.raw, sound.raw)
    assert torch.equal(subject.scaled_by, sound.others.flip(0))


def test_models_read_what_the_defect_says(sound):
    asked = []
    case = dataclasses.replace(sound, score=lambda said: asked.append(said) or torch.zeros(4, len(said)))
    for name in ("prompt ignored", "wrong template", "truncated inputs"):
        SCORED[name].plant(case)
    one_prompt, swapped, recorded_too, cut = asked
    row = next(i for i, said in enumerate(case.completions) if len(said.split()) == 9)
    original = case.planned.table.conversations[row]
    assert len({said[0]["content"] for said in one_prompt}) == 1
    assert one_prompt[row][-1] == original[-1]
    assert [m["role"] for m in swapped[row]] == ["assistant", "user"]
    assert [m["content"] for m in swapped[row]] == [m["content"] for m in original]
    assert len(recorded_too) == 2 * recorded.NUM_PAIRS
    assert {said[0]["role"] for said in recorded_too} == {"assistant"}
    assert cut[row] == [original[0], {**original[-1], "content": " ".join(case.completions[row].split()[:5])}]


def test_models_that_are_served_otherwise_are_refused_for_what_they_said_when_they_were_saved(sound):
    rows = {json.dumps(said): place for place, said in enumerate(sound.planned.table.conversations)}

    def as_saved(conversations):
        return sound.raw[:, [rows[json.dumps(one)] for one in conversations]]

    assert sound.change(as_saved) == 0
    changed = sound.change(lambda said: as_saved(said) + 1)
    assert changed > recorded.LARGEST
    refused = gates.judge(sound.planned, Subject(sound.raw, change=changed), SECTION, 0)
    assert refused["refused"]
    assert "other rewards than when it was saved" in refused["mistake"]


def test_the_last_word_decides_alone(sound):
    raw = SCORED["only the last word"].plant(sound).raw
    last = [(said.split() or [""])[-1] for said in sound.completions]
    assert len(raw[0].unique()) <= len(set(last)) < len(last) / 4


def test_a_drifted_rubric_leaves_other_subjects_as_they_are(sound):
    case = at(of_judges(sound), 2)
    before, after = simulated_judges.sound(case).raw[0], SCORED["drifted rubric"].plant(case).raw[0]
    changed = (before - after).abs() > 1e-6
    prompts = [text(case.planned.table.prompt(row)) for row in range(len(changed))]
    drifted = {
        word for word in simulated_judges.SUBJECTS for p, c in zip(prompts, changed, strict=True) if c and word in p
    }
    assert len(drifted) == simulated_judges.NUM_DOMAINS
    assert 0.1 < changed.float().mean() < 0.6


def test_half_an_audit_keeps_whole_clusters_and_another_seed_another_half(sound):
    def clusters(planned, check="accuracy"):
        return [one.cluster for one in planned.checks[check][2]["test"]]

    whole, first, second = clusters(sound.planned), *(clusters(gates.half(sound.planned, n)) for n in (1, 2))
    assert 0.35 < len(first) / len(whole) < 0.65
    assert first != second
    assert first == [one for one in whole if one in set(first)]
    response = gates.half(sound.planned, 1).checks["contrast"][2]["response"]
    assert all(a.id == b.id for a, b in zip(response[::2], response[1::2], strict=True))


def row(defect, refused, by=(), mistake=None, **told):
    return {"defect": defect, "seed": 100, "refused": refused, "by": by, "mistake": mistake, "accuracy": 0.6, **told}


def control(refused, kind, is_alone=False, is_half=False):
    return row(None, refused, ["accuracy/ensemble"] * refused, kind=kind, is_alone=is_alone, is_half=is_half)


def test_intervals_are_those_of_clopper_and_pearson():
    # With none of n refused the upper end is 1 - 0.025 ** (1 / n), with all of them the lower end 0.025 ** (1 / n).
    none, every = (gates_page.rate([row("constant", refused)] * 10) for refused in (False, True))
    assert none["interval"] == pytest.approx((0, 1 - 0.025**0.1))
    assert every["interval"] == pytest.approx((0.025**0.1, 1))


def test_the_bound_that_catches_most_and_the_mistakes_are_told():
    rows = [row("constant", True, ["a", "b"]), row("constant", True, ["b"]), row("constant", True, ["m"], "nan")]
    found = gates_page.rate([*rows, row("constant", False)])
    assert (found["by"], found["mistakes"], found["refused"], found["num"]) == (("b", 2), 1, 3, 4)


def test_the_last_line_counts_stored_controls_alone():
    rows = [row("constant", True), row(gates.SOUND, True), control(True, "weak"), control(False, "strong")]
    told = gates_page.summarise(rows)
    assert told.pop("defects") == list(DEFECTS)
    assert told == {"caught": 1, "trials": 1, "false_alarms": 1, "clean_trials": 2}
    assert json.dumps(told)


def test_the_page_names_what_gets_through_and_what_was_not_tried():
    rows = [row(name, name == "constant", ["accuracy/ensemble"]) for name in DEFECTS]
    rows += [row("length only", True), row(gates.SOUND, False), control(True, "weak", is_alone=True)]
    rows += [control(False, "strong", is_half=True)]
    page = gates_page.page(rows, "`a command`")
    through = next(line for line in page.splitlines() if line.startswith("Gets through always"))
    assert "sign flipped" in through.partition("At times")[0]
    assert "length only (1 of 2)" in through.partition("At times")[2]
    assert "constant" not in through
    assert "chosen from [development worlds](bounds.md)" in page
    assert all(f"- {name}: " in page for name in defects.NOT_TRIED)
    assert "| constant | 1 of 1 | 0.03 to 1.00 | `accuracy/ensemble` (1) | 0 | 0.60 |" in page
    assert "| weak, all | 1 of 1 |" in page
    assert "| strong, all | 0 of 1 |" in page


def test_the_issues_defects_are_tried_or_named_as_not_tried():
    assert len(DEFECTS) + len(defects.NOT_TRIED) == 24
    assert not set(DEFECTS) & set(defects.NOT_TRIED)


@pytest.mark.slow
def test_every_defect_and_control_is_tried_in_a_small_world(tmp_path):
    found = gates.measure_seed(0, 1, first=3, size=TOY, root=tmp_path, amount=gates.Amount(trials=1, clean=8))
    told = gates_page.summarise(found)
    assert (told["trials"], told["clean_trials"]) == (len(DEFECTS), 8)
    assert {row["kind"] for row in found if gates_page.is_control(row)} == {"strong", "weak"}
    assert {row["kind"] for row in found if row["defect"] is None} == set(gates.KINDS)
    assert all(row["refused"] for row in found if row["defect"] in ("constant", "labels shuffled"))
    assert "## Sound controls" in gates_page.page(found, "`a test`")
