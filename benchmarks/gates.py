"""Do the gates refuse what is broken, and admit what is sound? `python -m benchmarks.gates [--seeds 8] [--jobs 2]`.

Defects are planted on a night's ensemble of four, on what it is made of, or on a judge made up from gold, in the
claims' worlds; each is audited as a night audits and judged by the bounds that params.yaml ships. Beside them 60 sound
controls: strong and weak ensembles and members, on all held-out items and on halves of them. Written to docs/gates.md.
The last line is one JSON object.
"""

import argparse
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import cached_property, partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from benchmarks import simulated_judges
from benchmarks.claims.lab import Lab
from benchmarks.claims.parts import audits, ensembles, samples, worlds
from benchmarks.claims.running import FRESH
from benchmarks.claims.sizes import FULL, TOY, Size
from benchmarks.clone import written_by
from benchmarks.deeper_defects import LEAKED, OF_MODELS, try_leak
from benchmarks.defects import Case, Subject
from benchmarks.gates_page import DEFECTS, MISTAKE, SCORED, Row, page, summarise
from benchmarks.simulated_judges import OF_JUDGES, SOUND
from rlhf_pipeline.models import CheckpointError
from rlhf_pipeline.params import Params, Validation, load_params
from rlhf_pipeline.records import Conversation, derive_seed, hash_text
from rlhf_pipeline.validation import audit, auditing
from rlhf_pipeline.validation.items import Comparison
from rlhf_pipeline.validation.members import EnsembleError

PAGE = Path("docs/gates.md")
KINDS: Mapping[str, Callable[[Lab], list[Path]]] = {
    "strong": ensembles.strong, "weak": ensembles.fair, "very weak": ensembles.weak,
}  # fmt: skip
"""By how many pairs they were trained on. Of the very weak, some do not read the prompt: they are no controls."""
BEYOND = "very weak"
NUM_ON_STRONG = 8
"""Trials of a defect that are planted on the strong ensemble; the rest on the weak one."""


@dataclass(frozen=True)
class Amount:
    """How much is tried."""

    trials: int = 10
    """Of each defect, and of sound judges."""
    clean: int = 60
    """Sound ensembles and members."""
    very_weak: int = 16
    """Ensembles and members of few pairs, which are told apart."""


@dataclass(frozen=True)
class World:
    """One lab's stored models, and the audits of its held-out pairs."""

    lab: Lab
    params: Params

    @property
    def section(self) -> Validation:
        """Return what a night asks, and its bounds."""
        return self.params.validation

    @cached_property
    def planned(self) -> audit.Plan:
        """Return the audit of reward models."""
        return audits.plan(self.lab, self.section.checks, self.section.check_settings)

    @cached_property
    def of_judges(self) -> audit.Plan:
        """Return the audit of a judge: the same checks, and those of its comparisons."""
        return audits.plan(self.lab, [*self.section.checks, *OF_JUDGES], self.section.check_settings)

    @cached_property
    def worth(self) -> Tensor:
        """Return gold of the judges' table, [1, T]."""
        return simulated_judges.worth(worlds.world(self.lab), self.of_judges.table)[None]

    def score(self, kind: str, conversations: Sequence[Conversation]) -> Tensor:
        """Return the rewards by an ensemble's members, [4, N], kept by what is read: the roles count."""
        name = f"gates: {hash_text(json.dumps(conversations))}"
        return torch.stack([samples.score(self.lab, model, name, conversations) for model in KINDS[kind](self.lab)])

    def case(self, defect: str, number: int) -> Case:
        """Return what a trial's defect is planted on."""
        seed = derive_seed(self.lab.seed, "gates", defect, number)
        if defect in simulated_judges.DEFECTS or defect == SOUND:
            return Case(self.of_judges, self.worth, self.worth, lambda said: torch.empty(0), number, seed)
        kind, other = ("strong", "weak") if number < NUM_ON_STRONG else ("weak", "strong")
        asked = self.planned.table.conversations
        sound, others = self.score(kind, asked), self.score(other, asked)
        return Case(self.planned, sound, others, partial(self.score, kind), number, seed)

    def plant(self, name: str, number: int) -> tuple[audit.Plan, Subject]:
        """Return what a trial audits: the plan, and what stands in the place of what it was planted on."""
        case = self.case(name, number)
        if name in OF_MODELS:
            subject = OF_MODELS[name].plant(self.lab, case)
        else:
            subject = simulated_judges.sound(case) if name == SOUND else SCORED[name].plant(case)
        return subject.planned or case.planned, subject


def measure_seed(
    place: int, num: int, first: int = FRESH, size: Size = FULL, root: Path | None = None, amount: Amount = Amount()
) -> list[Row]:
    """Return a row per trial that falls to one of `num` worlds: every num-th, from `place` on."""
    torch.set_num_threads(1)
    world = World(Lab(first + place, size, root) if root else Lab(first + place, size), load_params())
    rows = [try_defect(world, name, n) for name in [*DEFECTS, SOUND] for n in range(place, amount.trials, num)]
    rows += [
        try_clean(world, ("strong", "weak")[n // num % 2], n, n // num // 2) for n in range(place, amount.clean, num)
    ]
    return rows + [try_clean(world, BEYOND, n, n // num) for n in range(place, amount.very_weak, num)]


def try_defect(world: World, name: str, number: int) -> Row:
    """Return whether one planted defect, or a sound judge, is refused, and by what."""
    told = {"defect": name, "seed": world.lab.seed}
    if name == LEAKED:
        return told | try_leak(world.lab, number, world.params.curation)
    return told | judge(*world.plant(name, number), world.section, number)


def try_clean(world: World, kind: str, number: int, turn: int) -> Row:
    """Return whether a sound control is refused; turns go through four members and one, then halves of the items."""
    is_alone, is_half = turn % 2 == 1, turn > 1
    planned = half(world.planned, number) if is_half else world.planned
    raw = world.score(kind, world.planned.table.conversations)
    if is_alone:
        raw = raw[derive_seed(number, "member") % len(raw)][None]
    told = {"defect": None, "seed": world.lab.seed, "kind": kind, "is_alone": is_alone, "is_half": is_half}
    return told | judge(planned, Subject(raw), world.section, number)


def half(planned: audit.Plan, seed: int) -> audit.Plan:
    """Return an audit of about half of every check's items, whole clusters, drawn by a seed; the scales stay."""

    def keep(comparisons: Iterable[Comparison]) -> list[Comparison]:
        return [one for one in comparisons if derive_seed(seed, "half", one.cluster) % 2]

    checks = {
        name: (method, params, {group: keep(own) for group, own in items.items()})
        for name, (method, params, items) in planned.checks.items()
    }
    return replace(planned, checks=checks)


def judge(planned: audit.Plan, subject: Subject, section: Validation, seed: int) -> Row:
    """Return whether what is audited is refused, the bounds that it breaks, and its accuracy; as a night does it."""
    names = list(ensembles.TRUNKS)[: len(subject.raw)]
    try:
        results = audits.of_subject(planned, subject, names, section, seed)
    except (EnsembleError, CheckpointError) as mistake:
        return {"refused": True, "by": [MISTAKE], "mistake": str(mistake), "accuracy": None}
    is_night = len(subject.raw) > 1
    verdict = auditing.judge(results, section.bounds if is_night else auditing.read_bounds(None), not is_night)
    broken = [check.name for check in verdict.checks if not check.passed and check.bound.severity == "block"]
    accuracy = audit.metrics(results).get("accuracy/ensemble")
    return {"refused": not verdict.admitted, "by": broken, "mistake": None, "accuracy": accuracy}


def main() -> None:
    """Try every defect and every control, and write the page."""
    parser = argparse.ArgumentParser("python -m benchmarks.gates", description=__doc__)
    parser.add_argument("--seeds", type=int, default=8, help="worlds")
    parser.add_argument("--first", type=int, default=FRESH, help="the first world's seed")
    parser.add_argument("--jobs", type=int, default=2, help="worlds measured side by side, a core each")
    parser.add_argument("--toy", action="store_true", help="a little in small worlds, to try it; writes no page")
    asked = parser.parse_args()
    toy: dict[str, Any] = {"size": TOY, "amount": Amount(trials=2, clean=8)} if asked.toy else {}
    work = partial(measure_seed, num=asked.seeds, first=asked.first, **toy)
    with ProcessPoolExecutor(asked.jobs, get_context("spawn")) as pool:
        rows = [row for part in pool.map(work, range(asked.seeds)) for row in part]
    if not asked.toy:
        command = f"python -m benchmarks.gates --seeds {asked.seeds} --first {asked.first}"
        PAGE.write_text(page(rows, written_by(command)), encoding="utf-8")
    print(json.dumps(summarise(rows)))


if __name__ == "__main__":
    main()
