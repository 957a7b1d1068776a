"""Judges made up from the gold reward, sound and with the defects that only a judge can have.

A judge sees the worth of each completion, standardised, with an error of its own; it grades from 1 to 5 and compares in
both orders. What it is audited on are its expected grades, as any judge's; what it compares is its testimony.
"""

from collections.abc import Mapping

import torch
from torch import Tensor

from benchmarks.defects import STRENGTHS, Case, Defect, Subject
from rlhf_pipeline.records import derive_seed, text
from rlhf_pipeline.simulation.words import SUBJECTS
from rlhf_pipeline.simulation.world import World
from rlhf_pipeline.validation.items import Table
from rlhf_pipeline.validation.judges import Answers, Testimony

OF_JUDGES = ("judge_consistency", "judge_consistency_sage", "rubric_drift_audit")
"""Checks of what a judge compares."""
SOUND = "sound judge"
GRADES, VERDICTS = torch.arange(1.0, 6.0), torch.tensor([1.0, 0.0, -1.0])
ERROR = 0.3
"""Of a judge's view of a completion, and again of each comparison, in spreads of the worth."""
SHARPNESS, TIE = 4.0, 0.3
NUM_DOMAINS = 2
"""Of the world's six subjects, those on which a drifted rubric looks at something else."""


def worth(world: World, table: Table) -> Tensor:
    """Return the gold reward of each conversation, [T]; mean 0 and spread 1 over ordinary completions."""
    rows = range(len(table.conversations))
    gold = torch.tensor([world.gold(text(table.prompt(row)), text(table.completion(row))).total for row in rows])
    ordinary = gold[torch.tensor(table.is_reference)]
    return (gold - ordinary.mean()) / ordinary.std()


def grade(seen: Tensor) -> Answers:
    """Return distributions over the grades around 3 + seen, [T]."""
    distance = GRADES - 3 - seen[:, None]
    return Answers((-2 * distance.square()).softmax(1), torch.ones(len(seen)), GRADES)


def compare(seen: Tensor, table: Table, seed: int, bias: float = 0.0, spread: float = ERROR) -> Answers:
    """Return comparisons of what is seen, [T], with an error on every question and a bias for what stands first."""
    orders = torch.tensor([side for pair in table.asked for side in (pair, pair[::-1])], dtype=torch.long).view(-1, 2)
    error = spread * torch.randn(len(orders), generator=torch.Generator().manual_seed(derive_seed(seed, "compare")))
    lead = SHARPNESS * (seen[orders[:, 0]] - seen[orders[:, 1]] + bias + error)
    first, second = (lead - TIE).sigmoid(), (-lead - TIE).sigmoid()
    return Answers(torch.stack([first, 1 - first - second, second], dim=1), torch.ones(len(orders)), VERDICTS)


def testify(seen: Tensor, comparisons: Answers) -> Subject:
    """Return a judge that grades what it sees, [T], and says of comparisons what is given."""
    grades = grade(seen)
    return Subject(grades.expected()[None], testimony=Testimony(grades, comparisons))


def _seen(case: Case) -> Tensor:
    return case.raw[0] + ERROR * case.noise(case.raw.shape[1])


def sound(case: Case) -> Subject:
    """Return a judge whose only fault is its error."""
    seen = _seen(case)
    return testify(seen, compare(seen, case.planned.table, case.seed))


def _position_biased(case: Case) -> Subject:
    seen, bias = _seen(case), STRENGTHS[case.number % len(STRENGTHS)] / 2
    return testify(seen, compare(seen, case.planned.table, case.seed, bias))


def _intransitive(case: Case) -> Subject:
    """Let the completions of every prompt, or of every other one, win in a circle of three."""
    seen, table = _seen(case), case.planned.table
    answers = compare(seen, table, case.seed)
    chances = answers.probabilities.view(-1, 2, 3).clone()
    of_prompt: dict[str, list[int]] = {}
    for row in dict.fromkeys(row for pair in table.asked for row in pair):
        of_prompt.setdefault(table.prompts[row], []).append(row)
    circular = {prompt for place, prompt in enumerate(of_prompt) if not (case.number % 2 and place % 2)}
    place_of = {row: place for rows in of_prompt.values() for place, row in enumerate(rows)}
    win, loss = torch.tensor([0.9, 0.0, 0.1]), torch.tensor([0.1, 0.0, 0.9])
    for (first, second), number in table.asked.items():
        ahead = (place_of[second] - place_of[first]) % 3
        if ahead and table.prompts[first] in circular:
            chances[number] = torch.stack([win, loss] if ahead == 1 else [loss, win])
    return testify(seen, Answers(chances.view(-1, 3), answers.mass, VERDICTS))


def _drifted_rubric(case: Case) -> Subject:
    """Let length decide where the prompt asks for one of some subjects."""
    table = case.planned.table
    domains = set(case.rng.sample(sorted(SUBJECTS), NUM_DOMAINS))
    is_inside = torch.tensor([bool(domains & set(text(table.prompt(r)).split())) for r in range(len(case.raw[0]))])
    words = torch.tensor([float(len(said.split())) for said in case.completions])
    length = (words - words.mean()) / words.std()
    strength = STRENGTHS[case.number % len(STRENGTHS)]
    drifted = torch.where(is_inside, (case.raw[0] + strength * length) / (1 + strength), case.raw[0])
    seen = drifted + ERROR * case.noise(len(drifted))
    return testify(seen, compare(seen, table, case.seed))


DEFECTS: Mapping[str, Defect] = {
    "position-biased judge": Defect(
        "0.5, 1 or 2 spreads more for what stands first when it compares", _position_biased
    ),
    "intransitive judge": Defect("comparisons run in circles of three on all prompts, or every other", _intransitive),
    "drifted rubric": Defect(
        "on two of six subjects length counts 1, 2 or 4 times as much as worth, in grades and comparisons",
        _drifted_rubric,
    ),
}
