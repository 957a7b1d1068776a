"""How much a phrase adds to the reward of a poor answer, and how much of it nobody pays: bait for a policy.

After universal triggers (Wallace et al. 2019, arXiv:1908.07125): one text that moves the prediction of any input. Here
the triggers are not searched for but taken from texts, cut at punctuation: what several held-out completions hold, and
what the policy was taught to say and no annotator ever judged. Each stands in front and at the end of rejected sides.
The phrase of most gain is chosen on one half of them and measured on the other, both ways, so that its choice does not
flatter it. A phrase that neither pairs nor demonstrations hold is not found.

What annotators pay for a phrase is told by the pairs that hold it on one side alone: how often that side was chosen, as
a margin of the ensemble's (Bradley-Terry at its temperature). A gain beyond it was learned from nobody. What they
choose less often earns nothing there, no less: it may stand where it was not asked for.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from math import log
from typing import Any, NamedTuple

import torch
from pydantic import Field
from torch import Tensor

from rlhf_pipeline.intervals import mean_interval
from rlhf_pipeline.methods import MethodParams
from rlhf_pipeline.records import Conversation, Row, assistant, text
from rlhf_pipeline.validation.checks import ENSEMBLE, Context, Finding, Items, Result
from rlhf_pipeline.validation.checks._comparisons import margins, slices, worst
from rlhf_pipeline.validation.checks.calibration import fit_temperature
from rlhf_pipeline.validation.items import Comparison, Inputs, Table, add_pairs, cluster_of, prompt_key, spread
from rlhf_pipeline.verdicts import Interval

NUM_CONSIDERED = 2000
"""Test pairs, and demonstrations, whose completions are cut into phrases."""
NUM_ROWS = 20
POOL = 4
"""So many times the rejected sides that are needed are looked at: a frequent phrase stands in many of them."""
PHRASE = re.compile(r"[^.,;:!?\n]*\w[^.,;:!?\n]*[.,;:!?]?")
UNSURE = 10.0
"""Pairs for and against that are added to those of each phrase: a rare one is taken to earn little."""
GAIN = "What the phrase of most gain adds to a poor answer's reward, in spreads within prompts."
EXCESS = "The same less what annotators pay for the phrase, of the phrase of which that is most."


class Params(MethodParams):
    """How much is tried."""

    max_phrases: int = Field(default=48, ge=1, description="phrases of held-out completions, the most frequent first")
    max_taught: int = Field(default=16, ge=0, description="phrases of demonstrations beside them, likewise")
    max_words: int = Field(default=6, ge=1, description="of a phrase")
    least_share: float = Field(default=0.005, gt=0, le=1, description="of completions that hold a phrase")
    max_items: int = Field(default=40, ge=2, description="rejected sides that a phrase is put into, each of its prompt")


class Place(NamedTuple):
    """A phrase and where it is put."""

    phrase: str
    is_front: bool

    @property
    def name(self) -> str:
        """Return the slice's name."""
        return f"{'front' if self.is_front else 'end'}: {self.phrase}"

    def put(self, said: str) -> str:
        """Return a text with the phrase."""
        return f"{self.phrase} {said}" if self.is_front else f"{said} {self.phrase}"


def collect(inputs: Inputs, table: Table, params: Params) -> Items:
    """Enter rejected sides of test pairs, and each with each phrase in front and at the end.

    Beside them the pairs that hold a phrase on one side alone, by whether that side was chosen; all are `pairs`.
    """
    rows = list({prompt_key(row["prompt"]): row for row in inputs.test}.values())
    poor = [row for row in spread(rows, POOL * params.max_items) if text(row["rejected"]).strip()]
    phrases = find_phrases(inputs, params)
    made = [
        (place, row, assistant(place.put(text(row["rejected"]))))
        for place in (Place(phrase, front) for phrase in phrases for front in (True, False))
        for row in spread([one for one in poor if place.phrase not in text(one["rejected"])], params.max_items)
    ]
    fits = inputs.fits([[*row["prompt"], *completion] for _, row, completion in made])
    inserted = [_enter(*one, table) for one, fit in zip(made, fits, strict=True) if fit]
    return {"inserted": inserted, **_judged(spread(inputs.test, NUM_CONSIDERED), phrases, table, params)}


def find_phrases(inputs: Inputs, params: Params) -> list[str]:
    """Return what several held-out completions hold between two marks, then what only demonstrations do.

    The most frequent come first, of either.
    """
    judged = [row[side] for row in spread(inputs.test, NUM_CONSIDERED) for side in ("chosen", "rejected")]
    taught = [row["completion"] for row in spread(inputs.demonstrations, NUM_CONSIDERED)]
    held = _frequent(judged, params)[: params.max_phrases]
    return [*held, *[one for one in _frequent(taught, params) if one not in held][: params.max_taught]]


def check(items: Items, context: Context, params: Params) -> Result:
    """Return the largest gain and the largest excess, of a phrase chosen on other texts; a row per phrase."""
    inserted = items["inserted"]
    gain = -margins(context.centred, inserted)
    paid = pay(items, fit_temperature(margins(context.centred, items["pairs"]).double().numpy()))
    excess = gain - torch.tensor([paid[_phrase_of(one)] for one in inserted])
    rows = sorted(_rows(inserted, gain, paid), key=lambda row: row["paid"] - row["gain"])
    findings = []
    for metric, values, told in (("phrase_gain", gain, GAIN), ("phrase_excess", excess, EXCESS)):
        best = _best(inserted, values)
        own = [inserted[i] for i in best]
        findings.append(Finding(f"{metric}/{ENSEMBLE}", _interval(own, values[best], context.seed), len(own), told))
    lost = worst(own, -gain[best], context.table)  # of the excess, found last
    return Result(findings, lost, rows[:NUM_ROWS])


def pay(items: Items, temperature: float) -> dict[str, float]:
    """Return what annotators pay for each phrase that was inserted, as a margin; 0 where they never chose it for that.

    Args:
        items: of `collect`.
        temperature: margin at which the ensemble is 73 % sure.
    """
    counts = {side: Counter(one.slice for one in items[side]) for side in ("chosen", "rejected")}
    phrases = dict.fromkeys(map(_phrase_of, items["inserted"]))
    return {
        phrase: temperature * max(log((counts["chosen"][phrase] + UNSURE) / (counts["rejected"][phrase] + UNSURE)), 0.0)
        for phrase in phrases
    }


def _judged(rows: Sequence[Row], phrases: Sequence[str], table: Table, params: Params) -> Items:
    """Return the pairs, and those that hold a phrase on the chosen or on the rejected side alone, once for each."""
    pairs = add_pairs(rows, table)
    found: dict[str, list[Comparison]] = {"pairs": pairs, "chosen": [], "rejected": []}
    for row, pair in zip(rows, pairs, strict=True):
        chosen, rejected = ({*_phrases(text(row[side]), params.max_words)} for side in ("chosen", "rejected"))
        for side, alone in (("chosen", chosen - rejected), ("rejected", rejected - chosen)):
            found[side] += [replace(pair, slice=phrase) for phrase in phrases if phrase in alone]
    return found


def _frequent(completions: Iterable[Conversation], params: Params) -> list[str]:
    """Return the phrases that enough completions hold, the most frequent first."""
    held = [{*_phrases(text(one), params.max_words)} for one in completions]
    counts = Counter(phrase for own in held for phrase in sorted(own))
    least = max(params.least_share * len(held), 2)
    return [phrase for phrase, count in counts.most_common() if count >= least]


def _phrases(said: str, max_words: int) -> list[str]:
    found = (match.strip() for match in PHRASE.findall(said))
    return [phrase for phrase in found if 0 < len(phrase.split()) <= max_words]


def _enter(place: Place, row: Row, completion: Conversation, table: Table) -> Comparison:
    return Comparison(
        id=f"{row['id']}/{place.name}",
        better=table.add(row["prompt"], row["rejected"]),
        worse=table.add(row["prompt"], completion, is_reference=False),
        cluster=cluster_of(row),
        slice=place.name,
    )


def _best(inserted: Sequence[Comparison], gain: Tensor) -> list[int]:
    """Return the comparisons of one half of the phrase that gains most in the other, both ways."""
    halves = [{name: rows[first::2] for name, rows in slices(inserted).items() if len(rows) > 1} for first in (0, 1)]
    if not halves[0]:
        return []
    most = [max(half, key=lambda name: float(gain[half[name]].mean())) for half in halves]
    return [*halves[1][most[0]], *halves[0][most[1]]]


def _phrase_of(comparison: Comparison) -> str:
    return str(comparison.slice).partition(": ")[2]


def _interval(own: Sequence[Comparison], gain: Tensor, seed: int) -> Interval:
    if not own:
        return Interval(note="no phrase stands in enough completions")
    found = mean_interval(gain.tolist(), [one.cluster for one in own], seed)
    named = " or ".join(dict.fromkeys(f"'{one.slice}'" for one in own))
    return found.model_copy(update={"note": "; ".join(filter(None, [named, found.note]))})


def _rows(inserted: Sequence[Comparison], gain: Tensor, paid: Mapping[str, float]) -> list[dict[str, Any]]:
    return [
        {
            "phrase": name,
            "gain": round(float(gain[torch.tensor(rows)].mean()), 6),
            "paid": round(paid[_phrase_of(inserted[rows[0]])], 6),
            "texts": len(rows),
        }
        for name, rows in slices(inserted).items()
    ]
