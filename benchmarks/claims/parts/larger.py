"""One member that costs as much to train as the night's four: four times as long, or twice as wide."""

from pathlib import Path

from benchmarks.claims.lab import Lab
from benchmarks.claims.parts import members, trunks, worlds
from rlhf_pipeline import methods
from rlhf_pipeline.params import load_params
from rlhf_pipeline.records import hash_text

BASE = Path(__file__).with_name("llama_twice_as_wide.json")
OBJECTIVE = "bradley_terry"
NUM_MEMBERS = 4


def trunk(lab: Lab) -> Path:
    """Return the folder of the wide trunk."""
    settings = load_params().sft.settings

    def make(folder: Path) -> None:
        from rlhf_pipeline.sft.training import Params, train

        train(BASE, worlds.draw(lab).demonstrations, Params(**settings), lab.derive("sft", "larger"), folder)

    return lab.part("trunks", make, trunks.CODE, name="larger", base=hash_text(BASE.read_text()), settings=settings)


def long(lab: Lab) -> Path:
    """Return the folder of the night's first member, trained for four times as many passes."""
    return members.member(lab, "a", num_epochs=float(NUM_MEMBERS))


def wide(lab: Lab) -> Path:
    """Return the folder of a member on the wide trunk: four times the multiplications per token."""
    start, settings = trunk(lab), load_params().rewards.settings

    def make(folder: Path) -> None:
        from rlhf_pipeline.rewards.training import Params, train

        method = methods.load("rewards/objectives", OBJECTIVE)
        rows, held_out = (worlds.pairs(lab, name) for name in ("train", "validation"))
        seed = lab.derive("rewards", "larger")
        train(start, rows, held_out, Params(**settings), method, methods.settings(method), seed, folder)

    code = (*members.CODE, f"rewards/objectives/{OBJECTIVE}.py")
    return lab.part("members", make, code, name="larger", trunk=start.name, settings=settings)
