"""Champion against challenger on tonight's evaluation prompts, both sampled anew.

Judged by gold where there is one and otherwise by the evaluators, never by tonight's ensemble. `python -m
rlhf_pipeline.evaluation.duel --champion DIR --challenger DIR --out FILE.json`.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from torch import Tensor

from rlhf_pipeline.evaluation.gold import load_gold
from rlhf_pipeline.evaluation.judges import rate_by_gold
from rlhf_pipeline.evaluation.metrics.win_rate import wins
from rlhf_pipeline.evaluation.settings import evaluation_settings
from rlhf_pipeline.evaluation.sides import Samples, draw, flat_texts, index_of, texts
from rlhf_pipeline.evaluation.yardstick import Yardstick, mean_reward
from rlhf_pipeline.intervals import mean_interval
from rlhf_pipeline.params import Params, load_params
from rlhf_pipeline.records import Conversation, derive_seed, read_rows, write_json
from rlhf_pipeline.validation.ensemble import load_panel

SIDES = ("champion", "challenger")


class NoJudge(ValueError):
    """There is neither gold nor an evaluator, so nobody may compare the two."""


def duel(folders: Mapping[str, Path], data: Path, params: Params, margin: float = 0.0) -> dict[str, Any]:
    """Return who wins, with intervals over prompts.

    Args:
        folders: of `champion` and `challenger`.
        data: folder of tonight's outputs.
        params: of tonight.
        margin: what the challenger may lack: it passes where the interval of the paired difference lies above minus the
            margin. At 0 it must be better; an equal one does not replace the champion.

    Raises:
        NoJudge: there is neither gold nor an evaluator.
    """
    from rlhf_pipeline.models import load_policy

    settings = evaluation_settings(params.evaluation.settings)
    rows = read_rows(data / "curation/evaluation_prompts.jsonl")[: settings.num_prompts]
    prompts: list[Conversation] = [row["prompt"] for row in rows]
    seed = derive_seed(params.seed, "duel")
    drawn = {name: draw(load_policy(folders[name]), prompts, settings, derive_seed(seed, name)) for name in SIDES}
    judge, rewards = rate(drawn, prompts, data, params)
    return decide(rewards["champion"], rewards["challenger"], judge, margin, seed)


def rate(
    drawn: Mapping[str, Samples], prompts: Sequence[Conversation], data: Path, params: Params
) -> tuple[str, dict[str, Tensor]]:
    """Return who judges, and each side's rewards as [P, S]."""
    gold = load_gold(data / "curation/gold.json")
    if gold is not None:
        pairs = {
            name: [(prompts[i], s.text) for i, one in enumerate(found) for s in one] for name, found in drawn.items()
        }
        return "gold", {name: rate_by_gold(gold, found).reshape(len(prompts), -1) for name, found in pairs.items()}
    named = params.rewards.named("evaluator")
    evaluators = load_panel(data / "validation/ensemble.json", data / "rewards/members", named)
    if not evaluators:
        raise NoJudge("neither gold nor an evaluator: give one of rewards.members the role evaluator")
    taken = [Yardstick.take(one, prompts, texts(drawn["champion"])) for one in evaluators.values()]
    challenger = drawn["challenger"]
    rated = {
        "champion": mean_reward([one.references for one in taken]),
        "challenger": mean_reward([one.rate(index_of(challenger), flat_texts(challenger)) for one in taken]),
    }
    return "evaluators", {name: r.reshape(len(prompts), -1) for name, r in rated.items() if r is not None}


def decide(champion: Tensor, challenger: Tensor, judge: str, margin: float, seed: int) -> dict[str, Any]:
    """Return the outcome of [P, S] rewards of each side on the same prompts; see `duel`."""
    won = mean_interval(wins(challenger, champion).tolist(), seed=seed)
    difference = mean_interval((challenger.mean(dim=1) - champion.mean(dim=1)).tolist(), seed=seed)
    return {
        "win_rate": won.value,
        "low": won.low,
        "high": won.high,
        "judge": judge,
        "num_prompts": len(champion),
        "mean_difference": difference.value,
        "difference_low": difference.low,
        "difference_high": difference.high,
        "margin": margin,
        "passed": difference.low is not None and difference.low > -margin,
    }


def main() -> None:
    """Let the champion and the challenger meet and write the outcome."""
    import torch

    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--champion", type=Path, required=True, help="folder of a policy")
    parser.add_argument("--challenger", type=Path, required=True, help="folder of a policy")
    parser.add_argument("--out", type=Path, required=True, help="JSON file to write")
    parser.add_argument("--margin", type=float, default=0.0, help="what the challenger may lack, >= 0")
    options = parser.parse_args()
    params = load_params()
    torch.set_num_threads(params.evaluation.threads)
    folders = {"champion": options.champion, "challenger": options.challenger}
    outcome = duel(folders, Path("data"), params, options.margin)
    write_json(options.out, outcome)
    print(f"{'the challenger wins' if outcome['passed'] else 'the champion stays'}: win rate {outcome['win_rate']:.3f}")


if __name__ == "__main__":
    main()
