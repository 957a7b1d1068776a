import yaml

from benchmarks import clone as clones
from benchmarks import weak
from rlhf_pipeline import methods
from rlhf_pipeline.params import Params
from rlhf_pipeline.verdicts import Bound, Interval, judge, write_verdict


def test_one_weak_member_is_left_beside_the_evaluators_and_the_gate_only_warns():
    params = yaml.safe_load((clones.ROOT / "params.yaml").read_text(encoding="utf-8"))
    evaluators = {name for name, member in params["rewards"]["members"].items() if member.get("role") == "evaluator"}
    weak.weaken(params)
    checked = Params.model_validate(params)
    assert set(checked.rewards.members) == {weak.MEMBER, *evaluators}
    settings = methods.settings(methods.load("curation/sources", checked.curation.source), checked.curation.settings)
    assert settings.num_train == weak.SOURCE_SETTINGS["num_train"]
    assert not checked.gate.enforce


def test_the_curve_is_told_by_its_ends_and_its_best():
    golds = {"10": "0.5", "0": "0.1", "20": "-2.0"}
    curve = [{"step": step, "proxy_reward": step, "gold_reward": gold} for step, gold in golds.items()]
    assert weak.describe(curve) == {
        "proxy_first": 0.0,
        "gold_first": 0.1,
        "proxy_last": 20.0,
        "gold_last": -2.0,
        "gold_best": 0.5,
        "gold_best_step": 10.0,
    }


def test_the_picture_is_drawn_into_the_repository(monkeypatch, tmp_path):
    monkeypatch.setattr(clones, "ROOT", tmp_path)
    row = {"step": "0", "kl": "0", "proxy_reward": "1", "evaluator_reward": "", "gold_reward": "1", "disagreement": "0"}
    told = weak.finish({"seed": 5, "refused": {}, "curve": [row, row | {"step": "9", "kl": "4", "gold_reward": "-1"}]})
    assert (tmp_path / weak.PICTURE).read_bytes().startswith(b"\x89PNG")
    assert (told["seed"], told["picture"], told["gold_last"]) == (5, "docs/pictures/overoptimisation.png", -1.0)


def test_what_an_enforced_gate_would_have_refused_is_told_by_stage(tmp_path):
    measured = {"good": Interval(value=1.0, low=0.9, high=1.1), "bad": Interval(value=0.0, low=-0.1, high=0.1)}
    bounds = {"good": Bound(at_least=0.5), "bad": Bound(at_least=0.5)}
    warned = {name: bound.model_copy(update={"severity": "warn"}) for name, bound in bounds.items()}
    for stage, given in (("validation", bounds), ("evaluation", warned)):
        (tmp_path / "data" / stage).mkdir(parents=True)
        write_verdict(tmp_path / "data" / stage / "verdict.json", judge(measured, given))
    assert weak.refused(tmp_path) == {"validation": ["bad"]}
