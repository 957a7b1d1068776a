"""A generative judge: a causal language model and prompt files, which grades completions or compares two.

An answer is the distribution over the allowed answers' tokens at the first position of the answer, so no grade is
sampled: its expectation keeps what rounding to one grade loses (TrustJudge, arXiv:2509.21117). Departs from the paper
in counting the probability that lies outside the allowed answers, the answer's `mass`, beside it.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from rlhf_pipeline import models
from rlhf_pipeline.batching import Batch, batches
from rlhf_pipeline.mistakes import Mistake
from rlhf_pipeline.records import Conversation, user
from rlhf_pipeline.scoring import WINDOW
from rlhf_pipeline.validation.items import Table
from rlhf_pipeline.validation.judge_prompts import JudgePrompt, Texts, read_prompt

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerFast


class JudgeError(Mistake):
    """A judge cannot be used as it stands; says what is missing."""


@dataclass(frozen=True)
class Answers:
    """What a judge answered to N questions."""

    probabilities: Tensor
    """[N, G] of the allowed answers, summing to 1."""
    mass: Tensor
    """[N] the probability that all allowed answers had together; the rest went to what does not fit the form."""
    values: Tensor
    """[G] what each answer is worth: its grade, or 1, 0, -1 for first, tie, second."""

    def expected(self) -> Tensor:
        """Return the expected value of each answer, [N]."""
        return self.probabilities @ self.values

    def plain(self) -> Tensor:
        """Return the value of the most probable answer, [N]; of equal ones, the first."""
        return self.values[self.probabilities.argmax(dim=1)]

    def out_of_format(self, least_mass: float) -> Tensor:
        """Return whether too little probability lay on the allowed answers, [N] bool."""
        return self.mass < least_mass


@dataclass(frozen=True)
class Testimony:
    """What a judge said of a table of T conversations and A pairs to be compared."""

    grades: Answers | None
    """T answers; None where no prompt asks for grades."""
    comparisons: Answers | None
    """2A answers: of each pair as asked, then with its sides exchanged; None where no prompt asks for comparisons."""

    def verdicts(self) -> Tensor | None:
        """Return the probabilities of first, tie and second of each pair in both orders, [A, 2, 3].

        The second order is as it was asked, not mapped back: there `first` is what stood first then.
        """
        return None if self.comparisons is None else self.comparisons.probabilities.view(-1, 2, 3)


@dataclass(frozen=True)
class Judge:
    """A causal language model with what it is asked."""

    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerFast
    grading: JudgePrompt | None = None
    comparing: JudgePrompt | None = None

    def fits(self, conversations: Sequence[Conversation]) -> list[bool]:
        """Return whether a question about each conversation's last message leaves room for an answer."""
        context, found = models.context_length(self.model), [True] * len(conversations)
        for prompt in filter(None, (self.grading, self.comparing)):
            texts = [{name: c[:-1] if name == "prompt" else c[-1:] for name in prompt.fields} for c in conversations]
            asked = [_opened(self.tokenizer, prompt, prompt.ask(one)) for one in texts]
            tokens = self.tokenizer(asked, add_special_tokens=False)["input_ids"] if asked else []
            found = [fit and len(ids) < context for fit, ids in zip(found, tokens, strict=True)]
        return found


def load_judge(folder: Path | str, prompt_files: Sequence[Path | str]) -> Judge:
    """Load a judge in evaluation mode.

    Args:
        folder: of a causal language model and its tokenizer.
        prompt_files: one that grades, one that compares, or both.

    Raises:
        JudgeError: the folder holds a sequence classifier, or there is no prompt file or two of one kind.
        PromptError: a prompt file cannot be used.
        CheckpointError: the checkpoint cannot be used.
    """
    prompts = [read_prompt(path) for path in prompt_files]
    kinds = [prompt.compares for prompt in prompts]
    if len(set(kinds)) < len(kinds) or not kinds:
        raise JudgeError(f"{folder}: {len(kinds)} prompt files; name one that grades, one that compares, or both")
    if models.is_reward_model(folder):
        raise JudgeError(f"{folder}: a sequence classifier, which writes no answers; audit it without a prompt file")
    model, tokenizer = models.load_policy(folder)
    for path, prompt in zip(prompt_files, prompts, strict=True):
        _answer_ids(tokenizer, prompt, str(path))
    by_kind = dict(zip(kinds, prompts, strict=True))
    return Judge(model, tokenizer, by_kind.get(False), by_kind.get(True))


def hear(judge: Judge, table: Table) -> Testimony:
    """Return what a judge says of each conversation of a table and of each pair to be compared.

    Raises:
        JudgeError: a question is longer than the model's context.
    """
    grades = comparisons = None
    if judge.grading:
        rows = range(len(table.conversations))
        grades = answer(judge, judge.grading, [_texts(table, completion=row) for row in rows])
    if judge.comparing:
        orders = [sides for pair in table.asked for sides in (pair, pair[::-1])]
        comparisons = answer(judge, judge.comparing, [_texts(table, first=i, second=j) for i, j in orders])
    return Testimony(grades, comparisons)


def answer(judge: Judge, prompt: JudgePrompt, items: Sequence[Texts], batch_size: int = 64) -> Answers:
    """Return what a judge answers to a prompt about N items, each the texts of the prompt's fields.

    Raises:
        JudgeError: a question is longer than the model's context, or an answer is not one token.
    """
    ids = _answer_ids(judge.tokenizer, prompt, "the judge's prompt")
    questions = [_opened(judge.tokenizer, prompt, prompt.ask(texts)) for texts in items]
    distinct = list(dict.fromkeys(questions))
    log_chances = torch.empty(len(distinct), len(ids))
    for start in range(0, len(distinct), WINDOW):
        part = slice(start, start + WINDOW)
        _forward(judge, distinct[part], ids, log_chances[part], batch_size)
    places = {question: place for place, question in enumerate(distinct)}
    found = log_chances[[places[question] for question in questions]]
    return _to_answers(found, prompt)


def _to_answers(log_chances: Tensor, prompt: JudgePrompt) -> Answers:
    chances, mass = log_chances.softmax(dim=1), log_chances.exp().sum(dim=1)
    if not prompt.compares:
        return Answers(chances, mass, torch.tensor([float(word) for word in prompt.answers]))
    if len(prompt.answers) == 2:
        chances = torch.stack([chances[:, 0], torch.zeros(len(chances)), chances[:, 1]], dim=1)
    return Answers(chances, mass, torch.tensor([1.0, 0.0, -1.0]))


def _texts(table: Table, **rows: int) -> Texts:
    """Return the prompt that rows share, and the completion of each."""
    return {"prompt": table.prompt(next(iter(rows.values())))} | {n: table.completion(row) for n, row in rows.items()}


def _opened(tokenizer: PreTrainedTokenizerFast, prompt: JudgePrompt, question: str) -> str:
    """Return a question as the chat template renders it, up to where the answer stands."""
    text = tokenizer.apply_chat_template(user(question), tokenize=False, add_generation_prompt=True)
    return str(text) + prompt.reply


def _answer_ids(tokenizer: PreTrainedTokenizerFast, prompt: JudgePrompt, where: str) -> list[list[int]]:
    """Return the tokens of each allowed answer, with a space before it and without.

    Raises:
        JudgeError: an answer is no single token of the tokenizer, or two answers are the same.
    """
    found = []
    for word in prompt.answers:
        forms = (tokenizer(text, add_special_tokens=False)["input_ids"] for text in (word, f" {word}"))
        single = {form[0] for form in forms if len(form) == 1} - {tokenizer.unk_token_id}
        if not single:
            raise JudgeError(f"{where}: answer '{word}' is no single token of the judge; write answers that are")
        found.append(sorted(single))
    flat = [token for tokens in found for token in tokens]
    if len(set(flat)) < len(flat):
        raise JudgeError(f"{where}: two of the answers '{' '.join(prompt.answers)}' are the same token of the judge")
    return found


def _forward(judge: Judge, questions: Sequence[str], ids: list[list[int]], out: Tensor, batch_size: int) -> None:
    """Write the log probability of each answer to each question into [N, G]."""
    tokens = judge.tokenizer(list(questions), add_special_tokens=False)["input_ids"]
    longest, context = max(map(len, tokens)), models.context_length(judge.model)
    if longest >= context:
        raise JudgeError(
            f"{judge.model.name_or_path}: a question of {longest} tokens leaves no room for an answer in the judge's "
            f"context of {context}; shorten the prompt file or the texts"
        )
    with torch.no_grad():
        for batch in batches(tokens, judge.tokenizer.pad_token_id, batch_size):
            chances = _next_logits(judge.model, batch).float().log_softmax(dim=1).cpu()
            out[batch.rows] = torch.stack(list(_joined(chances, ids)), dim=1)


def _joined(log_chances: Tensor, ids: list[list[int]]) -> Iterator[Tensor]:
    """Yield each answer's log probability, [B]: that of any of its tokens."""
    for tokens in ids:
        yield log_chances[:, tokens].logsumexp(dim=1)


def _next_logits(model: PreTrainedModel, batch: Batch) -> Tensor:
    """Return the logits [B, V] of what follows each question, made for few positions: a vocabulary is wide."""
    last = batch.attention_mask.sum(dim=1) - 1
    places, column = last.unique(return_inverse=True)
    tokens = {name: getattr(batch, name).to(model.device) for name in ("input_ids", "attention_mask")}
    rows = torch.arange(len(last))
    if "logits_to_keep" in inspect.signature(model.forward).parameters:
        logits = model(**tokens, use_cache=False, logits_to_keep=places.to(model.device)).logits
        return logits[rows, column]
    return model(**tokens, use_cache=False).logits[rows, last]
