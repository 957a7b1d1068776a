from rlhf_pipeline.evaluation.gold import load_gold
from rlhf_pipeline.records import assistant, user, write_json
from rlhf_pipeline.simulation.prompts import draw_phrasing, render
from rlhf_pipeline.simulation.world import World, WorldParams
from rlhf_pipeline.simulation.writers import write


def test_real_preferences_have_no_gold(tmp_path):
    write_json(tmp_path / "gold.json", {"source": None})
    assert load_gold(tmp_path / "gold.json") is None


def test_the_prompt_is_what_the_user_said_last(word_gold):
    talk = user("hello") + assistant("yes ?") + user("be polite")
    assert word_gold.score(talk, "one two") == 2.0
    assert word_gold.attributes(talk, "please do") == {"length": 0.4, "polite": 1.0}
    assert word_gold.best(talk) == 5.0


def test_the_simulated_world_is_rebuilt_from_its_description(tmp_path):
    world = World(3, WorldParams(num_annotators=2))
    task = world.draw_task(world.rng("test"))
    prompt = render(task, draw_phrasing(world.rng("phrasing"), False))
    write_json(tmp_path / "gold.json", {"source": "simulated", "world": world.to_json()})
    gold = load_gold(tmp_path / "gold.json")
    assert gold is not None
    best, written = gold.best(user(prompt)), write(world.writers[0], task, world.rng("writer"))
    assert gold.score(user(prompt), "") < gold.score(user(prompt), written) <= best
    assert set(dict(task.asked)) <= gold.attributes(user(prompt), written).keys()
