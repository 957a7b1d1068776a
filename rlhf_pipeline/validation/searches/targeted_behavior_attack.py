"""Learn from few preferences what a behaviour is, and find words around prompts that make a victim show it.

RAT (arXiv:2412.10713) trains an intention policy from preferences and an adversary that draws a victim's actions to
it by small changes of what the victim sees. Here, in text: the intention is a Bradley-Terry model over words, the
adversary a bounded search for words before and after the prompt, and in the place of the paper's weighting of states
stand chances of words, learned over all prompts from how much nearer each brought the victim. The victim is a policy,
which answers greedily, or, where there is none, the reward, which picks a side of the pair.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Literal

from pydantic import Field

from rlhf_pipeline.mistakes import Mistake
from rlhf_pipeline.records import Conversation, Row, derive_seed, text
from rlhf_pipeline.validation.items import spread
from rlhf_pipeline.validation.searches import Find, Found, Ground, Memory, SearchParams, distinct, refuse_no_rows
from rlhf_pipeline.validation.searches._attacker import Attacker, Edit, draw_edit, find_words, learn
from rlhf_pipeline.validation.searches._victims import Answer, PolicyVictim, RewardVictim, Victim

NAME = "targeted_behavior_attack"
LEAST_PAIRS = 8
SIDES = {"chosen": ("chosen", "rejected"), "rejected": ("rejected", "chosen")}
"""The side that shows the behaviour, and the other."""
TOKENS_PER_WORD = 4
"""Room that is left for each word of an edit."""


class Params(SearchParams):
    """What the behaviour is, and how much the attacker may do."""

    behaviour: Literal["chosen", "rejected"] = Field(default="rejected", description="side of a pair that shows it")
    num_labels: int = Field(default=200, ge=4, description="pairs that the attacker learns from; others are attacked")
    strength: float = Field(default=1.0, gt=0, description="of the fit of its word weights")
    num_prompts: int = Field(default=50, ge=1, description="prompts attacked, spread over the other pairs")
    budget: int = Field(default=3, ge=1, description="words that an edit adds")
    num_candidates: int = Field(default=8, ge=1, description="edits tried per prompt and round")
    num_rounds: int = Field(default=6, ge=1, description="rounds, each from the best edit so far")
    explore: float = Field(default=0.5, ge=0, le=1, description="of the words drawn, those that were tried least")
    num_words: int = Field(default=500, ge=1, description="words tried, those that stand in most of the pairs' texts")
    max_new_tokens: int = Field(default=64, ge=1, description="of a policy's answer")


def search(rows: Sequence[Row], ground: Ground, params: Params) -> Found:
    """Attack the prompts on which the victim does not show the behaviour of itself.

    A find's prompt is the edited one, its completion shows the behaviour, and it goes against the victim's answer to
    the prompt as it was. What truly shows it is told by `trusted`: as much, on the prompt as it was, as the pair's
    side that shows it. Without it a policy is judged by words that other labels than the attacker's mark, and a reward
    by the pair's own label. The plain way are edits of as many words of chance, `num_candidates` of each prompt.

    Raises:
        Mistake: the pairs are too few, or leave the policy no room to answer.
    """
    labels, others = divide(rows, params.num_labels)
    victim = take(ground, labels, params)
    others = spread(victim.readable(others), params.num_prompts)
    refuse_no_rows(others, "no prompt leaves room for an edit and an answer; lower max_new_tokens, or name more pairs")
    answers = victim.answer(others, [row["prompt"] for row in others])
    both = zip(others, answers, victim.shows(others, answers), strict=True)
    clean = [(row, answer) for row, answer, shown in both if not shown]
    words = find_words([text(row[part]) for row in rows for part in ("prompt", "chosen", "rejected")], params.num_words)
    edits = attack(victim, clean, words, params, random.Random(derive_seed(ground.seed, NAME)))
    finds = _led(victim, clean, edits)
    tried, drawn = len(clean), random.Random(derive_seed(ground.seed, NAME, "plain"))
    repeated = clean * params.num_candidates if params.compare else []
    plain = _led(victim, repeated, [draw_edit(words, params.budget, drawn) for _ in repeated])
    return Found(distinct(finds), tried, len(finds), len(repeated), len(plain), len(victim.score.known))


def divide(rows: Sequence[Row], num_labels: int) -> tuple[list[Row], list[Row]]:
    """Return the pairs that the attacker learns from, at most half of them and spread over all, and the others.

    Raises:
        Mistake: there are fewer than `LEAST_PAIRS`.
    """
    if len(rows) < LEAST_PAIRS:
        raise Mistake(f"{len(rows)} pairs are too few to learn a behaviour from and attack; name {LEAST_PAIRS} or more")
    places = spread(range(len(rows)), min(num_labels, len(rows) // 2))
    taken = set(places)
    return [rows[place] for place in places], [row for place, row in enumerate(rows) if place not in taken]


def take(ground: Ground, labels: Sequence[Row], params: Params) -> Victim:
    """Return the policy as the victim, the reward where there is none, as an attacker with these labels sees it."""
    shown, other = SIDES[params.behaviour]
    texts = [(text(row[shown]), text(row[other])) for row in labels]
    score = Memory(ground.score)
    if ground.policy is None:
        return RewardVictim(score, learn(texts, params.strength), shown, other)
    trusted = Memory(ground.trusted) if ground.trusted else None
    half = texts if trusted else texts[::2]
    judge = None if trusted else learn(texts[1::2], params.strength)
    room = params.max_new_tokens + TOKENS_PER_WORD * params.budget
    return PolicyVictim(
        score, learn(half, params.strength), shown, other, ground, trusted, judge, params.max_new_tokens, room
    )


def attack(
    victim: Victim, clean: Sequence[tuple[Row, Answer]], words: Sequence[str], params: Params, rng: random.Random
) -> list[Edit]:
    """Return for each prompt the edit whose answer is nearest to the behaviour, as far as the attacker can tell.

    Args:
        victim: asked `num_candidates` times about each prompt in each round.
        clean: rows, with the victim's answer to the prompt as it is.
        words: that edits are made of.
        params: how much is tried.
        rng: of the words that are drawn.
    """
    marks = victim.intention.of_words()
    attacker = Attacker(words, [marks.get(word.lower(), 0.0) for word in words])
    best = [(Edit(), answer.nearness) for _, answer in clean]
    places = [place for place in range(len(clean)) for _ in range(params.num_candidates)]
    for _ in range(params.num_rounds if clean else 0):
        drawn = attacker.draw(len(places), params.explore, rng)
        tried = [best[place][0].with_word(word, params.budget, rng) for place, word in zip(places, drawn, strict=True)]
        rows = [clean[place][0] for place in places]
        answers = victim.answer(rows, [edited(row["prompt"], one) for row, one in zip(rows, tried, strict=True)])
        before = [best[place][1] for place in places]
        for place, word, edit, answer, was in zip(places, drawn, tried, answers, before, strict=True):
            attacker.learn(word, answer.nearness - was)
            best[place] = max(best[place], (edit, answer.nearness), key=lambda one: one[1])
    return [edit for edit, _ in best]


def edited(prompt: Conversation, edit: Edit) -> Conversation:
    """Return a prompt with words around its last message."""
    *before, last = prompt
    return [*before, {**last, "content": edit.apply(last["content"])}]


def _led(victim: Victim, clean: Sequence[tuple[Row, Answer]], edits: Sequence[Edit]) -> list[Find]:
    """Return what the edits that truly lead to the behaviour show."""
    rows = [row for row, _ in clean]
    prompts = [edited(row["prompt"], edit) for row, edit in zip(rows, edits, strict=True)]
    answers = victim.answer(rows, prompts)
    shown = victim.shows(rows, answers)
    led = [n for n, is_shown in enumerate(shown) if is_shown]
    rewards = victim.score([prompts[n] + answers[n].completion for n in led]).tolist()
    trusted = victim.worth([rows[n] for n in led], [answers[n] for n in led])
    return [
        Find(prompts[n], answers[n].completion, reward, sure, clean[n][1].completion, True)
        for n, reward, sure in zip(led, rewards, trusted, strict=True)
    ]
