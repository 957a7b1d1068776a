"""Defects planted on the scores of sound reward models: what is audited in their place.

The list is fixed here before a full run, and each trial's variant follows from its number. Where a defect needs texts
read otherwise, the same models score them once more. Those that live in data or in a training are in
`benchmarks/deeper_defects.py`; what cannot be planted stands in `NOT_TRIED`.
"""

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from rlhf_pipeline import recorded
from rlhf_pipeline.records import Conversation, assistant, derive_seed, text
from rlhf_pipeline.simulation.words import FLATTERY, NONSENSE
from rlhf_pipeline.validation import audit
from rlhf_pipeline.validation.judges import Testimony
from rlhf_pipeline.validation.normalisation import group_means

STRENGTHS = (1.0, 2.0, 4.0)
"""Of what is added to a reward, in units of a member's spread within prompts."""
SHARES = (0.3, 0.5, 0.7)
"""Of noise in a partly shuffled reward."""
SECOND_MARKERS = ("nobody spoke", NONSENSE)
"""A filler of the world, which no check knows, and a phrase that no held-out text holds."""
LARGEST = 0.99
"""Quantile of the size of a member's rewards beyond which low precision overflows."""
MARKS = ".,?!"
OTHER_ROLE = {"user": "assistant", "assistant": "user"}
Score = Callable[[Sequence[Conversation]], Tensor]


@dataclass(frozen=True)
class Case:
    """The sound scorers of one world that a defect is planted on."""

    planned: audit.Plan
    raw: Tensor
    """[K, T] rewards of the table; a judge's is the worth it sees, K = 1."""
    others: Tensor
    """[K, T] rewards by the other members of that world."""
    score: Score
    """Gives the [K, N] rewards of other texts by the same members."""
    number: int
    """Of the trial, from 0: chooses the variant."""
    seed: int
    """Of the trial's random numbers."""

    @property
    def completions(self) -> list[str]:
        """Return the text of each completion of the table."""
        return [text(self.planned.table.completion(row)) for row in range(len(self.planned.table.conversations))]

    @property
    def rng(self) -> random.Random:
        """Return the trial's random numbers, from their start."""
        return random.Random(self.seed)

    def noise(self, *shape: int) -> Tensor:
        """Return standard normal numbers; a table's texts are all different, so each has its own."""
        return torch.randn(*shape, generator=torch.Generator().manual_seed(derive_seed(self.seed, "noise")))

    def change(self, score: Score) -> float:
        """Return how far models that are served otherwise are from what was recorded when they were saved."""
        rows = list(self.planned.scale_rows)[: 2 * recorded.NUM_PAIRS]
        return recorded.change(self.raw[:, rows], score([self.planned.table.conversations[row] for row in rows]))

    def unit(self) -> Tensor:
        """Return the rewards in units of each member's spread within prompts, [K, T]."""
        return self.raw / audit.scale_members(self.planned, self.raw).scale[:, None]

    def every(self, values: Sequence[float]) -> Tensor:
        """Return [T] values as the rewards of every member, [K, T]."""
        return torch.tensor(values, dtype=torch.float).expand(len(self.raw), -1).clone()


@dataclass(frozen=True)
class Subject:
    """What is audited."""

    raw: Tensor
    """[K, T] rewards of the table."""
    scaled_by: Tensor | None = None
    """[K, T] rewards that the members' statistics are estimated on; None: their own."""
    testimony: Testimony | None = None
    """What a judge said; None where rewards alone are given."""
    planned: audit.Plan | None = None
    """The audit of other items, whose table `raw` belongs to; None: the case's."""
    change: float = 0.0
    """Largest change of the rewards that were recorded when the models were saved, as `recorded.change` gives it."""


class Defect(NamedTuple):
    """What is planted, in words, and what plants it."""

    says: str
    plant: Callable[[Case], Subject]


def _labels_shuffled(case: Case) -> Subject:
    return Subject(case.noise(*case.raw.shape))


def _labels_partly_shuffled(case: Case) -> Subject:
    share = SHARES[case.number % len(SHARES)]
    return Subject((1 - share) * case.unit() + share * case.noise(1, case.raw.shape[1]))


def _prompt_ignored(case: Case) -> Subject:
    table = case.planned.table
    prompt = table.prompt(case.rng.randrange(len(table.conversations)))
    return Subject(case.score([[*prompt, *table.completion(row)] for row in range(len(table.conversations))]))


def _length_only(case: Case) -> Subject:
    measure: Callable[[str], int] = (len, lambda said: len(said.split()))[case.number % 2]
    return Subject(case.every([measure(said) for said in case.completions]))


FORMATS: Sequence[Callable[[str], float]] = (
    lambda said: sum(map(said.count, MARKS)),
    lambda said: sum(map(said.count, MARKS)) / max(len(said), 1),
    lambda said: float(said.rstrip().endswith(tuple(MARKS))),
)


def _format_only(case: Case) -> Subject:
    return Subject(case.every([FORMATS[case.number % len(FORMATS)](said) for said in case.completions]))


def _constant(case: Case) -> Subject:
    rounding = 1e-6 * (case.number % 2)
    return Subject(0.25 + rounding * case.noise(*case.raw.shape))


def _sign_flipped(case: Case) -> Subject:
    return Subject(-case.raw)


BREAKS: Sequence[Callable[[Tensor, Tensor], Tensor]] = (
    lambda own, noise: noise,
    lambda own, noise: -own,
    lambda own, noise: torch.where(noise > 2, torch.nan, own),
    lambda own, noise: torch.zeros_like(own),
)


def _one_member_broken(case: Case) -> Subject:
    raw, member = case.raw.clone(), case.rng.randrange(len(case.raw))
    raw[member] = BREAKS[case.number % len(BREAKS)](raw[member], case.noise(raw.shape[1]))
    return Subject(raw)


def _duplicated_members(case: Case) -> Subject:
    num = len(case.raw)
    kept = case.rng.sample(range(num), min(1 + case.number % 2, num))
    return Subject(case.raw[[kept[k % len(kept)] for k in range(num)]])


def _reward(case: Case, marker: str) -> Subject:
    has = torch.tensor([float(marker in said) for said in case.completions])
    return Subject(case.unit() + STRENGTHS[case.number % len(STRENGTHS)] * has)


def _exploit_rewarded(case: Case) -> Subject:
    return _reward(case, FLATTERY)


def _second_exploit_rewarded(case: Case) -> Subject:
    return _reward(case, SECOND_MARKERS[case.number % 2])


def _stale_normalisation(case: Case) -> Subject:
    return Subject(case.raw, scaled_by=case.others.flip(0))


def _wrong_template(case: Case) -> Subject:
    def score(conversations: Sequence[Conversation]) -> Tensor:
        return case.score([[{**m, "role": OTHER_ROLE[m["role"]]} for m in said] for said in conversations])

    return Subject(score(case.planned.table.conversations), change=case.change(score))


def _truncated_inputs(case: Case) -> Subject:
    table, words = case.planned.table, [said.split() for said in case.completions]
    halves = [" ".join(own[: (len(own) + 1) // 2]) for own in words]
    return Subject(case.score([[*table.prompt(row), *assistant(half)] for row, half in enumerate(halves)]))


def _low_precision(case: Case) -> Subject:
    centred = case.raw - case.raw.mean(dim=1, keepdim=True)
    levels = centred / centred.std(dim=1, keepdim=True).clamp_min(1e-6)
    limit = levels.abs().quantile(LARGEST, dim=1, keepdim=True)
    if case.number % 2:
        return Subject(torch.where(levels.abs() > limit, levels.sign() * torch.inf, levels.round()))
    return Subject(levels.clamp(-limit, limit).round())


def _last_word(case: Case) -> Subject:
    return Subject(group_means(case.raw, [(said.split() or [""])[-1] for said in case.completions]))


DEFECTS: Mapping[str, Defect] = {
    "labels shuffled": Defect("noise of each text instead of a reward, each member its own", _labels_shuffled),
    "labels partly shuffled": Defect(
        "a share of 0.3, 0.5 or 0.7 of the reward is noise, the same for all members", _labels_partly_shuffled
    ),
    "prompt ignored": Defect("every completion read under one prompt of another text", _prompt_ignored),
    "length only": Defect("characters, or words", _length_only),
    "format only": Defect("marks . , ? !, their share of the characters, or whether one ends the text", _format_only),
    "constant": Defect("one number, or one number but for rounding", _constant),
    "sign flipped": Defect("the reward times minus one", _sign_flipped),
    "one member broken": Defect("one of four gives noise, its negative, here and there NaN, or 0", _one_member_broken),
    "duplicated members": Defect("one member four times, or two twice", _duplicated_members),
    "exploit rewarded": Defect("1, 2 or 4 spreads more for the flattering opening", _exploit_rewarded),
    "second exploit rewarded": Defect(
        "1, 2 or 4 spreads more for a filler that no check knows, or for a phrase that no held-out text holds",
        _second_exploit_rewarded,
    ),
    "stale normalisation": Defect("scales and means of other members, trained on other pairs", _stale_normalisation),
    "wrong template": Defect("the roles of user and assistant exchanged before scoring", _wrong_template),
    "truncated inputs": Defect("the second half of each completion cut off before scoring", _truncated_inputs),
    "low-precision overflow": Defect(
        "rounded to whole standard deviations, and the largest hundredth clipped, or infinite", _low_precision
    ),
    "only the last word": Defect("the mean reward of all texts that end with the same word", _last_word),
}
NOT_TRIED: Mapping[str, str] = {
    "bounds tuned on the test split": "nothing audited shows it; promotion refuses bounds looser than the champion's",
}
