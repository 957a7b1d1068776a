"""The world: everything that is drawn from one seed, each property behind one parameter."""

import random
from typing import Any

from pydantic import Field

from rlhf_pipeline.methods import MethodParams
from rlhf_pipeline.records import derive_seed
from rlhf_pipeline.simulation.annotators import Annotator
from rlhf_pipeline.simulation.gold import GoldReward, best, gold
from rlhf_pipeline.simulation.prompts import Task, draw_task, is_held_out, parse
from rlhf_pipeline.simulation.writers import Writer, draw_writer


class WorldParams(MethodParams):
    """Properties of the world; explained, and not tuned to flatter a method."""

    num_asked: tuple[int, int] = Field(default=(3, 5), description="optional slots a prompt asks for, least and most")
    demonstration_num_asked: tuple[int, int] = Field(default=(0, 5), description="the same in demonstrations")
    forbid_fraction: float = Field(default=0.4, ge=0, le=1, description="prompts with a forbidden word")
    held_out_fraction: float = Field(
        default=0.2, ge=0, le=0.5, description="subject and place combinations kept for the shift"
    )
    num_writers: int = Field(default=4, ge=1, description="authors, each with a seed of its own")
    temperatures: tuple[float, ...] = Field(default=(0.7, 1.0, 1.4), description="each author writes at each of these")
    skill: float = Field(default=2.5, ge=0, description="asked things an author heeds, on average")
    demonstration_skill: float = Field(default=2.5, ge=0, description="the same in demonstrations")
    skill_spread: float = Field(default=0.7, ge=0, description="half the range of an author's skill between slots")
    slip: float = Field(default=0.01, ge=0, le=1, description="slips per word at temperature 1")
    vivid_fraction: float = Field(default=0.1, ge=0, le=1, description="places for a vivid word that hold one")
    flattery_fraction: float = Field(default=0.35, ge=0, le=1, description="completions with the over-rated opening")
    flattery_bias: float = Field(default=1.5, description="utility of that opening to annotators, in gold reward")
    nonsense_fraction: float = Field(
        default=0.03, ge=0, le=1, description="demonstrations with the phrase that no pair holds"
    )
    degenerate_fraction: float = Field(default=0.12, ge=0, le=1, description="pairs with one degenerate side")
    num_annotators: int = Field(
        default=20, ge=2, description="annotators of train pairs; evaluators' pairs have as many others"
    )
    temperature: float = Field(default=1.0, gt=0, description="Bradley-Terry noise, in gold reward")
    flip_rate: float = Field(default=0.04, ge=0, le=1, description="labels turned around, independently")
    careless_fraction: float = Field(default=0.1, ge=0, le=1, description="annotators who flip `careless_flip_rate`")
    careless_flip_rate: float = Field(default=0.4, ge=0, le=1, description="what they flip")
    margin_noise: float = Field(default=0.0, ge=0, le=1, description="further flips where the difference is small")
    length_bias: float = Field(default=0.05, description="utility per word, in gold reward")
    tie_width: float = Field(default=0.15, ge=0, description="differences called a tie, in gold reward")
    taste: float = Field(
        default=0.6, ge=0, description="weight by which two groups differ on endings and moods, in gold reward"
    )
    intransitive_fraction: float = Field(
        default=0.05, ge=0, le=1, description="annotators whose preferences have cycles"
    )
    voted_fraction: float = Field(default=0.2, ge=0, le=1, description="pairs with `num_votes` votes")
    num_votes: int = Field(default=3, ge=3, description="votes on those pairs")


class World:
    """Writers, annotators and gold, drawn from a seed."""

    def __init__(self, seed: int, params: WorldParams) -> None:
        """Draw the world."""
        self.seed, self.params = seed, params
        self.writers = self._draw_writers(params.skill, nonsense=0.0)
        self.demonstrators = self._draw_writers(params.demonstration_skill, nonsense=params.nonsense_fraction)
        self.annotators = self._draw_annotators("train")
        self.evaluator_annotators = self._draw_annotators("evaluator")

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> "World":
        """Rebuild a world from what `to_json` gave."""
        return cls(value["seed"], WorldParams(**value["params"]))

    def to_json(self) -> dict[str, Any]:
        """Return what rebuilds this world."""
        return {"seed": self.seed, "params": self.params.model_dump(mode="json")}

    def rng(self, *names: str | int) -> random.Random:
        """Return the random numbers of one named purpose."""
        return random.Random(derive_seed(self.seed, "world", *names))

    def gold(self, prompt: str, completion: str) -> GoldReward:
        """Return the exact reward of a completion, given the prompt's text."""
        return gold(parse(prompt), completion)

    def best(self, prompt: str) -> float:
        """Return the highest reward any completion of this prompt can have."""
        return best(parse(prompt))

    def draw_task(self, rng: random.Random, is_shifted: bool = False, is_demonstration: bool = False) -> Task:
        """Draw a task, on the wanted side of the shift."""
        p = self.params
        while True:
            task = draw_task(rng, p.demonstration_num_asked if is_demonstration else p.num_asked, p.forbid_fraction)
            if is_held_out(task, p.held_out_fraction) == is_shifted:
                return task

    def _draw_writers(self, skill: float, nonsense: float) -> list[Writer]:
        p = self.params
        return [
            draw_writer(
                derive_seed(self.seed, "writer", number),
                skill=skill, spread=p.skill_spread, temperature=temperature,
                slip=p.slip, vivid=p.vivid_fraction, flattery=p.flattery_fraction, nonsense=nonsense,
            )
            for number in range(p.num_writers)
            for temperature in p.temperatures
        ]  # fmt: skip

    def _draw_annotators(self, group: str) -> list[Annotator]:
        p, rng = self.params, self.rng("annotators", group)
        order = rng.sample(range(p.num_annotators), p.num_annotators)
        num_careless, num_intransitive = (
            round(f * p.num_annotators) for f in (p.careless_fraction, p.intransitive_fraction)
        )
        careless, intransitive = set(order[:num_careless]), set(order[num_careless : num_careless + num_intransitive])
        return [
            Annotator(
                name=f"{group}-{number:02d}",
                temperature=p.temperature * rng.uniform(0.8, 1.2),
                flip=p.careless_flip_rate if number in careless else p.flip_rate,
                length_bias=p.length_bias * rng.uniform(0.5, 1.5),
                flattery_bias=p.flattery_bias * rng.uniform(0.5, 1.5),
                tie_width=p.tie_width,
                taste=tuple((slot, p.taste * (1 if number % 2 else -1)) for slot in ("ending", "mood")),
                is_intransitive=number in intransitive,
                margin_noise=p.margin_noise,
            )
            for number in range(p.num_annotators)
        ]  # fmt: skip
