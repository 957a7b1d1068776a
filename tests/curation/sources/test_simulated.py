import json

import pytest

from rlhf_pipeline import methods
from rlhf_pipeline.curation.sources import Inputs
from rlhf_pipeline.curation.sources.simulated import Params, read
from rlhf_pipeline.methods import MethodError
from rlhf_pipeline.simulation.marks import INSTRUCTION, steps
from rlhf_pipeline.simulation.problems import YES_NO
from rlhf_pipeline.simulation.prompts import is_held_out, parse
from rlhf_pipeline.simulation.world import World

SMALL = Params(
    num_train=60, num_validation=20, num_test=20, num_shifted=15, num_evaluator=30, num_demonstrations=400,
    num_policy_prompts=12, num_evaluation_prompts=11, num_contrast=7, num_single_edits=6, problem_fraction=0.3,
)  # fmt: skip


def draw(tmp_path, seed=0, params=SMALL):
    return read(Inputs(tmp_path / "none", tmp_path / "none", seed), params)


@pytest.fixture(scope="module")
def raw(tmp_path_factory):
    return draw(tmp_path_factory.mktemp("raw"))


def said(messages):
    return messages[-1]["content"]


def task_of(row):
    return parse(said(row["prompt"]).removeprefix(f"{INSTRUCTION} "))


def split(raw, name):
    return [row for row in raw.pairs if row["split"] == name]


def test_as_much_is_drawn_as_was_asked_for(raw):
    counts = {name: len(split(raw, name)) for name in ("train", "validation", "test", "evaluator")}
    assert counts == {"train": 60, "validation": 20, "test": 35, "evaluator": 30}
    assert [len(rows) for rows in (raw.demonstrations, raw.policy_prompts, raw.evaluation_prompts)] == [400, 12, 11]
    assert (len(raw.contrast), len(raw.single_edits)) == (14, 6)


def test_the_same_seed_gives_the_same_rows_and_another_others(raw, tmp_path):
    assert draw(tmp_path) == raw
    other = draw(tmp_path, seed=1)
    assert not {row["id"] for row in other.pairs} & {row["id"] for row in raw.pairs}


def test_only_the_shifted_slice_of_the_test_pairs_has_held_out_combinations(raw):
    for row in raw.pairs:
        is_shifted = is_held_out(parse(said(row["prompt"])), SMALL.held_out_fraction)
        assert (row["split"], row["slice"]) == ("test", "shifted") if is_shifted else row["slice"] == "plain"


def test_prompts_of_policy_and_evaluation_are_of_the_world_and_differ(raw):
    policy, evaluation = (
        {said(row["prompt"]) for row in rows} for rows in (raw.policy_prompts, raw.evaluation_prompts)
    )
    assert not policy & evaluation
    assert all(parse(text).slots for text in policy | evaluation)


def test_the_share_of_problems_among_demonstrations_is_as_asked(raw):
    def is_problem(row):
        try:
            parse(said(row["prompt"]))
        except ValueError:
            return True
        return False

    assert 0.2 < sum(map(is_problem, raw.demonstrations)) / len(raw.demonstrations) < 0.4


@pytest.mark.parametrize("fraction", [0.0, 0.25, 0.55, 1.0])
def test_the_share_of_marked_demonstrations_is_as_asked(tmp_path, fraction):
    params = SMALL.model_copy(update={"mark_fraction": fraction, "problem_fraction": 0.0})
    rows = draw(tmp_path, params=params).demonstrations
    marked = [row for row in rows if said(row["prompt"]).startswith(f"{INSTRUCTION} ")]
    assert len(marked) / len(rows) == pytest.approx(fraction, abs=0.08 if 0 < fraction < 1 else 0)
    for row in rows:
        has_marks = bool(set(said(row["completion"]).split()) & set(YES_NO))
        assert row in marked or not has_marks
    assert all(all(steps(task_of(row), said(row["completion"]))) for row in marked)


def test_gold_is_rebuilt_from_the_description_and_stands_in_no_row(raw):
    assert raw.gold["source"] == "simulated"
    world = World.from_json(json.loads(json.dumps(raw.gold["world"])))
    assert world.params.model_dump() == SMALL.model_dump(include=set(world.params.model_dump()))
    row = split(raw, "train")[0]
    assert world.gold(said(row["prompt"]), said(row["chosen"])).total <= world.best(said(row["prompt"]))
    rows = [raw.pairs, raw.demonstrations, raw.policy_prompts, raw.evaluation_prompts, raw.contrast, raw.single_edits]
    assert "gold" not in json.dumps(rows)


def test_evaluators_pairs_have_annotators_and_prompts_of_their_own(raw):
    own, others = split(raw, "evaluator"), split(raw, "train")
    assert not {row["annotator"] for row in own} & {row["annotator"] for row in others}
    assert not {row["group"] for row in own} & {row["group"] for row in others}


def test_an_unknown_setting_is_refused_with_its_neighbour():
    source = methods.load("curation/sources", "simulated")
    with pytest.raises(MethodError, match="num_train"):
        methods.settings(source, {"num_trains": 5})
