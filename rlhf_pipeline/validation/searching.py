"""A search that stands alone: texts that a reward model or a policy mishandles, as training pairs.

`python -m rlhf_pipeline.validation.searching MODEL… --pairs FILE --method NAME --out FILE [--policy DIR] [--trusted
MODEL…]` writes JSON lines that the source `pairs` reads. The methods are those of `validation/searches`.
"""

import argparse
import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
import yaml
from torch import Tensor

from rlhf_pipeline import methods, mistakes, models
from rlhf_pipeline.mistakes import Mistake
from rlhf_pipeline.models import CheckpointError
from rlhf_pipeline.records import Conversation, Row, write_rows
from rlhf_pipeline.sft import bases
from rlhf_pipeline.validation import judges, scorers
from rlhf_pipeline.validation.ensemble import Ensemble
from rlhf_pipeline.validation.items import Fits, prompt_key
from rlhf_pipeline.validation.normalisation import estimate_statistics
from rlhf_pipeline.validation.pairs import read_pairs
from rlhf_pipeline.validation.scorers import ReadyScores, Scorers
from rlhf_pipeline.validation.searches import Found, Ground, Score, as_pairs

SEARCHES = "validation/searches"


def main(arguments: Sequence[str] | None = None) -> None:
    """Search as the command line says, and write what is found."""
    from transformers.utils import logging

    asked = parse(arguments)
    logging.disable_progress_bar()
    torch.set_num_threads(asked.threads)
    method = methods.load(SEARCHES, asked.method)
    params = methods.settings(method, dict(map(_setting, asked.set)))
    audited, trusted = open_for_search(asked.models, []), open_for_search(asked.trusted, asked.judge)
    opened = [one for one in (audited, trusted) if one]
    fits = _fits_all(opened)
    pairs = read_pairs(asked.pairs, fits, asked.seed)
    score, sure = (score_of(one, pairs.validation) if one else None for one in (audited, trusted))
    assert score
    found = method.search(pairs.test, Ground(score, sure, *open_policy(asked.policy), asked.seed, fits), params)
    rows = as_pairs(found.finds)
    write_rows(asked.out, rows)
    for line in (*pairs.notes, *tell(found, has_trusted=sure is not None)):
        print(line)
    print(f"{len(rows)} training pairs in {asked.out}")


def _fits_all(opened: Sequence[Scorers]) -> Fits:
    return lambda said: [all(own) for own in zip(*(one.fits(said) for one in opened), strict=True)]


def open_for_search(names: Sequence[str], prompts: Sequence[Path]) -> Scorers | None:
    """Return what a user named, see `scorers.open_scorers`; None where nothing was.

    Raises:
        Mistake: it is a file of ready scores, which knows no text that a search writes.
    """
    opened = scorers.open_scorers(names, prompts=prompts) if names else None
    ready = [one.path for one in opened.by_name.values() if isinstance(one, ReadyScores)] if opened else []
    if ready:
        raise Mistake(f"{ready[0]}: ready scores, and a search scores texts that it makes itself; name a reward model")
    return opened


def open_policy(name: str | None) -> tuple[Any, Any]:
    """Return a language model and its tokenizer; None of both where no policy is named.

    Raises:
        CheckpointError: it is a reward model, or cannot be read.
    """
    if name is None:
        return None, None
    folder = bases.resolve(name)
    if models.is_reward_model(folder):
        raise CheckpointError(f"{name}: a sequence classifier, which writes nothing; name a language model's folder")
    return models.load_policy(folder)


def score_of(opened: Scorers, rows: Sequence[Row]) -> Score:
    """Return one reward of what was opened: a judge's expected grade, or the ensemble's with nothing subtracted.

    Args:
        opened: reward models, a saved ensemble, or a judge.
        rows: pairs that give the scales of reward models that are no saved ensemble.
    """
    if judge := opened.judge:
        prompt = judge.grading
        assert prompt  # a judge that only compares is not opened

        def grade(conversations: Sequence[Conversation]) -> Tensor:
            items = [{"prompt": said[:-1], "completion": said[-1:]} for said in conversations]
            return judges.answer(judge, prompt, items).expected()

        return grade
    joined = opened.saved or _join(opened, rows)
    within = dataclasses.replace(joined, normalisation="within_prompt")

    def score(conversations: Sequence[Conversation]) -> Tensor:
        try:
            raw = within.member_rewards(conversations)
        except CheckpointError as error:
            why = "a text that the search made is longer than a reward model reads"
            raise Mistake(
                f"{why}; lower max_new_tokens or budget with --set, or leave out the longest pairs"
            ) from error
        prompts = [prompt_key(said[:-1]) for said in conversations]
        return within.aggregate(raw, prompts, torch.zeros_like(raw), conversations).reward

    return score


def _join(opened: Scorers, rows: Sequence[Row]) -> Ensemble:
    """Return reward models as one ensemble: their mean on scales estimated on pairs."""
    sides = [row["prompt"] + row[side] for row in rows for side in ("chosen", "rejected")]
    raw = scorers.score(opened, sides)
    return Ensemble(opened.models, estimate_statistics(raw, [place // 2 for place in range(len(sides))]))


def tell(found: Found, has_trusted: bool) -> list[str]:
    """Return what a person should know of a search."""
    lines = [f"{found.num_found} of {found.num_tried} tried are mishandled ({found.rate:.1%})"]
    if found.plain_rate is not None:
        lines.append(f"the plain way: {found.num_plain_found} of {found.num_plain_tried} ({found.plain_rate:.1%})")
    if not has_trusted:
        lines.append("nothing trusted was named (--trusted MODEL): read some of the pairs before you train on them")
    return lines


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Return the options."""
    parser = argparse.ArgumentParser(prog="searching", description="Search for texts that a reward mishandles.")
    parser.add_argument("models", nargs="*", metavar="MODEL")
    parser.add_argument("--pairs", type=Path, nargs="+", default=[], metavar="FILE")
    parser.add_argument("--method", metavar="NAME")
    parser.add_argument("--policy", metavar="DIR")
    parser.add_argument("--trusted", nargs="+", default=[], metavar="MODEL")
    parser.add_argument("--judge", type=Path, nargs="+", default=[], metavar="FILE")
    parser.add_argument("--set", nargs="+", default=[], metavar="KEY=VALUE")
    parser.add_argument("--out", type=Path, default=Path("reports/found.jsonl"), metavar="FILE")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args(arguments)
    if not asked.models or not asked.pairs:
        raise Mistake("name a reward model, and pairs to search from with --pairs FILE")
    if not asked.method:
        raise Mistake(f"name a search with --method NAME: {', '.join(methods.names(SEARCHES))}")
    if asked.judge and not asked.trusted:
        raise Mistake("--judge FILE says what the judge of --trusted MODEL is asked; name that model too")
    return asked


def _setting(assignment: str) -> tuple[str, Any]:
    key, sign, value = assignment.partition("=")
    if not sign:
        raise Mistake(f"--set {assignment}: write KEY=VALUE")
    return key, yaml.safe_load(value)


if __name__ == "__main__":
    with mistakes.told(lower="--set batch_size or --threads"):
        main()
