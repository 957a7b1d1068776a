"""Which prompts of a step train: those whose completions are all weighed alike teach nothing, nor do solved ones.

Groups without spread are left out or drawn again, as in dynamic sampling (DAPO, Yu et al. 2025, arXiv:2503.14476).
The weight 4 p (1 - p) of a prompt's success p is that of the puzzle curriculum (`difficulty_curriculum`): most where
half of the completions succeed, nothing where all or none do.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from rlhf_pipeline.methods import MethodParams

if TYPE_CHECKING:
    from torch import Tensor

Idle = Literal["keep", "skip", "resample"]
ROUNDING = 1e-6
"""Of a weight: rewards that are all the same less their mean."""
LEFT_PADDED = ("prompt_ids", "prompt_mask")


class Difficulty(MethodParams):
    """What a success is, and what a solved or hopeless prompt still counts."""

    success: float = Field(0.0, description="proxy reward above which a completion succeeds; 0: the reference's mean")
    floor: float = Field(0.1, ge=0, le=1, description="least weight of a prompt")


def idle(weights: Tensor, num_generations: int) -> Tensor:
    """Return which groups weigh nothing, [G] of [B] or [B, T] weights."""
    found: Tensor = (weights.abs() < ROUNDING).reshape(-1, num_generations, *weights.shape[1:]).flatten(1).all(dim=1)
    return found


def difficulty(rewards: Tensor, num_generations: int, params: Difficulty) -> Tensor:
    """Return the weight of each completion's prompt, [B] of [B] rewards: 4 p (1 - p), the floor at least."""
    success = (rewards.view(-1, num_generations) > params.success).float().mean(dim=1)
    weight: Tensor = (4 * success * (1 - success)).clamp(min=params.floor).repeat_interleave(num_generations)
    return weight


def remembering(base: Any) -> Any:
    """Return a class of TRL's online trainers that keeps the rewards of what it generated last."""

    class Remembering(base):
        """TRL gives what follows only advantages."""

        def _calculate_rewards(self, *args: Any, **kwargs: Any) -> Any:
            self._rewards = super()._calculate_rewards(*args, **kwargs)
            return self._rewards

        def own_rewards(self, count: int) -> Tensor:
            """Return the rewards of this process's completions, [B]; `count` is B."""
            first = self.accelerator.process_index * count
            rewards: Tensor = self._rewards[first : first + count].nansum(dim=1)
            return rewards

    return base if hasattr(base, "own_rewards") else Remembering


def grouped(base: Any, idle_groups: Idle, by_difficulty: Difficulty | None) -> Any:
    """Return a class of TRL's online trainers that trains on some of the groups it generates, or draws them anew."""

    class Grouped(remembering(base)):  # type: ignore[misc]
        """Looks at what was generated before it is split into the batches of the loss."""

        def _generate_and_score_completions(self, inputs: Any) -> Any:
            batch = self._weighed(inputs)
            without = idle(batch["advantages"], self.num_generations)
            self._metrics["train"]["idle_groups"].append(self.accelerator.gather(without.float()).mean().item())
            if idle_groups == "keep" or not without.any():
                return batch
            rows = without.repeat_interleave(self.num_generations)
            if idle_groups == "resample":
                again = self._weighed([one for one, is_idle in zip(inputs, rows.tolist(), strict=True) if is_idle])
                batch = replace_rows(batch, again, rows, self._tokenizer.pad_token_id)
            elif not without.all():
                batch = leave_out(batch, rows, can_shrink=self.args.steps_per_generation == 1)
            if "num_items_in_batch" in batch:
                batch["num_items_in_batch"] = self.accelerator.gather(batch["completion_mask"].sum()).sum()
            return batch

        def _weighed(self, inputs: Any) -> dict[str, Any]:
            batch: dict[str, Any] = super()._generate_and_score_completions(inputs)
            if by_difficulty is not None:
                weight = difficulty(self.own_rewards(len(batch["advantages"])), self.num_generations, by_difficulty)
                batch["advantages"] = batch["advantages"] * weight.view(-1, *[1] * (batch["advantages"].dim() - 1))
            return batch

    return Grouped


def leave_out(batch: dict[str, Any], rows: Tensor, can_shrink: bool) -> dict[str, Any]:
    """Return a batch without some rows; where it is split later and must keep its size, their tokens are masked."""
    if not can_shrink:
        return {**batch, "completion_mask": batch["completion_mask"] * ~rows[:, None]}
    kept = ~rows
    return {name: value[kept] if is_rows(value, len(rows)) else value for name, value in batch.items()}


def replace_rows(batch: dict[str, Any], fresh: dict[str, Any], rows: Tensor, pad: int) -> dict[str, Any]:
    """Return a batch whose chosen rows are those of another, both widened to the wider one."""
    found = dict(batch)
    for name, value in batch.items():
        if is_rows(value, len(rows)):
            fill = pad if name in ("prompt_ids", "completion_ids") else 0
            first, second = widen([value, fresh[name]], name in LEFT_PADDED, fill)
            found[name] = first.clone()
            found[name][rows] = second
    return found


def is_rows(value: Any, count: int) -> bool:
    """Return whether a part of a batch has a row for each completion."""
    return getattr(value, "ndim", 0) > 0 and len(value) == count


def widen(tensors: Sequence[Tensor], on_the_left: bool, fill: int) -> list[Tensor]:
    """Return tensors [B, T] of different T filled up to the largest; [B] as they are."""
    from torch.nn.functional import pad

    if tensors[0].dim() == 1:
        return list(tensors)
    width = max(one.shape[1] for one in tensors)
    missing = [width - one.shape[1] for one in tensors]
    return [pad(one, (m, 0) if on_the_left else (0, m), value=fill) for one, m in zip(tensors, missing, strict=True)]
