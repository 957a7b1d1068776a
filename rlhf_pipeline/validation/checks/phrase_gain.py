"""How much a phrase adds to the reward of a poor answer, wherever it is put: bait that a policy would learn to say.

After universal triggers (Wallace et al. 2019, arXiv:1908.07125): one text that moves the prediction of any input. Here
the triggers are not searched for but taken from texts, cut at punctuation: what several held-out completions hold, and
what the policy was taught to say and no annotator ever judged. Each stands in front and at the end of rejected sides.
The phrase of most gain is chosen on one half of them and measured on the other, both ways, so that its choice does not
flatter it. A phrase that neither pairs nor demonstrations hold is not found.
"""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import torch
from pydantic import Field
from torch import Tensor

from rlhf_pipeline.intervals import mean_interval
from rlhf_pipeline.methods import MethodParams
from rlhf_pipeline.records import Conversation, Row, assistant, text
from rlhf_pipeline.validation.checks import ENSEMBLE, Context, Finding, Items, Result
from rlhf_pipeline.validation.checks._comparisons import margins, slices, worst
from rlhf_pipeline.validation.items import Comparison, Inputs, Table, cluster_of, prompt_key, spread
from rlhf_pipeline.verdicts import Interval

NUM_CONSIDERED = 2000
"""Test pairs, and demonstrations, whose completions are cut into phrases."""
NUM_ROWS = 20
POOL = 4
"""So many times the rejected sides that are needed are looked at: a frequent phrase stands in many of them."""
PHRASE = re.compile(r"[^.,;:!?\n]*\w[^.,;:!?\n]*[.,;:!?]?")
TOLD = "What the phrase of most gain adds to a poor answer's reward, in spreads within prompts."


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
    """Enter rejected sides of test pairs, and each with each phrase in front and at the end."""
    rows = list({prompt_key(row["prompt"]): row for row in inputs.test}.values())
    poor = [row for row in spread(rows, POOL * params.max_items) if text(row["rejected"]).strip()]
    places = [Place(phrase, front) for phrase in find_phrases(inputs, params) for front in (True, False)]
    made = [
        (place, row, assistant(place.put(text(row["rejected"]))))
        for place in places
        for row in spread([one for one in poor if place.phrase not in text(one["rejected"])], params.max_items)
    ]
    fits = inputs.fits([[*row["prompt"], *completion] for _, row, completion in made])
    return {"inserted": [_enter(*one, table) for one, fit in zip(made, fits, strict=True) if fit]}


def find_phrases(inputs: Inputs, params: Params) -> list[str]:
    """Return what several held-out completions hold between two marks, then what only demonstrations do.

    The most frequent come first, of either.
    """
    judged = [row[side] for row in spread(inputs.test, NUM_CONSIDERED) for side in ("chosen", "rejected")]
    taught = [row["completion"] for row in spread(inputs.demonstrations, NUM_CONSIDERED)]
    held = _frequent(judged, params)[: params.max_phrases]
    return [*held, *[one for one in _frequent(taught, params) if one not in held][: params.max_taught]]


def check(items: Items, context: Context, params: Params) -> Result:
    """Return the largest gain, of a phrase chosen on other texts; a row per phrase, those of most gain first."""
    inserted = items["inserted"]
    gain = -margins(context.centred, inserted)
    rows = sorted(_rows(inserted, gain), key=lambda row: -row["gain"])
    best = _best(inserted, gain)
    own = [inserted[i] for i in best]
    lost = worst(own, -gain[best], context.table)
    finding = Finding(f"phrase_gain/{ENSEMBLE}", _interval(own, gain[best], context.seed), len(own), TOLD)
    return Result([finding], lost, rows[:NUM_ROWS])


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


def _interval(own: Sequence[Comparison], gain: Tensor, seed: int) -> Interval:
    if not own:
        return Interval(note="no phrase stands in enough completions")
    found = mean_interval(gain.tolist(), [one.cluster for one in own], seed)
    named = " or ".join(dict.fromkeys(f"'{one.slice}'" for one in own))
    return found.model_copy(update={"note": "; ".join(filter(None, [named, found.note]))})


def _rows(inserted: Sequence[Comparison], gain: Tensor) -> list[dict[str, Any]]:
    return [
        {"phrase": name, "gain": round(float(gain[torch.tensor(rows)].mean()), 6), "texts": len(rows)}
        for name, rows in slices(inserted).items()
    ]
