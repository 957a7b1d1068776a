"""Which conversations every reward model can read whole."""

from collections.abc import Collection, Sequence

from rlhf_pipeline.models import context_length
from rlhf_pipeline.records import Conversation
from rlhf_pipeline.scoring import RewardModel, tokenize
from rlhf_pipeline.validation.items import Fits, everything_fits


def fits_all(models: Collection[RewardModel]) -> Fits:
    """Return a function that tells of each conversation whether it is within the context of every model."""
    if not models:
        return everything_fits

    def fits(conversations: Sequence[Conversation]) -> list[bool]:
        if not conversations:
            return []
        verdicts = [_fits(model, conversations) for model in models]
        return [all(own) for own in zip(*verdicts, strict=True)]

    return fits


def _fits(model: RewardModel, conversations: Sequence[Conversation]) -> list[bool]:
    context = context_length(model.model)
    return [len(ids) <= context for ids in tokenize(model.tokenizer, conversations)]
