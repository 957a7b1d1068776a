"""How fast members score texts of mixed length, beside a plain loop of transformers over padded batches."""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import linear_regression, median
from typing import Any

import torch
from torch import Tensor

from rlhf_pipeline import scoring
from rlhf_pipeline.records import Conversation
from rlhf_pipeline.scoring import RewardModel, score_all
from rlhf_pipeline.validation.ensemble import score_with

PLAIN_BATCH = 64
THREADS = 2


@dataclass(frozen=True)
class Clocked:
    """Some work: seconds of the clock, of the processor, and what it returned."""

    wall: float
    cpu: float
    result: Any


def clocked(work: Callable[[], Any]) -> Clocked:
    """Do some work."""
    wall, cpu = time.perf_counter(), time.process_time()
    result = work()
    return Clocked(time.perf_counter() - wall, time.process_time() - cpu, result)


def interleaved(ways: Mapping[str, Callable[[], Any]], rounds: int) -> dict[str, list[Clocked]]:
    """Do every way once per round, every second round backwards, so that a noisy machine is shared fairly."""
    runs: dict[str, list[Clocked]] = {name: [] for name in ways}
    for number in range(rounds):
        for name in list(ways) if number % 2 == 0 else list(ways)[::-1]:
            runs[name].append(clocked(ways[name]))
    return runs


def compare(plain: Sequence[Clocked], ours: Sequence[Clocked]) -> dict[str, Any]:
    """Return how many times longer the plain way takes: the median over rounds, and every round."""
    walls = [a.wall / b.wall for a, b in zip(plain, ours, strict=True)]
    cpus = [a.cpu / b.cpu for a, b in zip(plain, ours, strict=True)]
    return {"ratio": median(walls), "rounds": walls, "cpu_ratio": median(cpus), "cpu_rounds": cpus}


def plain_scores(members: Sequence[RewardModel], conversations: Sequence[Conversation], threads: int) -> Tensor:
    """Return [K, N] rewards as the plain way gives them: batches in the order given, one model after another."""
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    rows = [plain_row(member, conversations) for member in members]
    torch.set_num_threads(before)
    return torch.stack(rows)


def plain_row(member: RewardModel, conversations: Sequence[Conversation]) -> Tensor:
    """Return one model's rewards, with transformers alone."""
    found = []
    for start in range(0, len(conversations), PLAIN_BATCH):
        batch: Any = member.tokenizer.apply_chat_template(
            list(conversations[start : start + PLAIN_BATCH]), padding=True, return_tensors="pt", return_dict=True
        )
        with torch.no_grad():
            found.append(member.model(**batch).logits[:, 0])
    return torch.cat(found)


def measure(
    members: Mapping[str, RewardModel], heads: RewardModel, conversations: Sequence[Conversation], rounds: int
) -> dict[str, Any]:
    """Return the ratios of independent members and of heads on one trunk, the plain way on its better thread count."""
    each = list(members.values())
    ways: dict[str, Callable[[], Tensor]] = {
        "plain_1": lambda: plain_scores(each, conversations, 1),
        "plain_2": lambda: plain_scores(each, conversations, THREADS),
        "independent": lambda: score_with(members, conversations, THREADS),
        "heads": lambda: score_all([heads], conversations, threads=THREADS)[0],
    }
    few = conversations[:PLAIN_BATCH]
    for warm_up in (plain_scores(each, few, THREADS), score_with(members, few, THREADS), *score_all([heads], few)):
        assert warm_up.isfinite().all()
    runs = interleaved(ways, rounds)
    expected, found = runs["plain_1"][0].result, runs["independent"][0].result
    plain = min((runs["plain_1"], runs["plain_2"]), key=lambda clocks: median(one.wall for one in clocks))
    difference = float((expected - found).abs().max())
    return {
        "independent": compare(plain, runs["independent"]),
        "heads": compare(plain, runs["heads"]),
        "seconds": {name: median(one.wall for one in clocks) for name, clocks in runs.items()},
        "cpu_seconds": {name: median(one.cpu for one in clocks) for name, clocks in runs.items()},
        "largest_difference": difference,
        "is_equal": difference <= scoring.TOLERANCE,
    }


def measure_growth(member: RewardModel, texts: Callable[[int], list[Conversation]], sizes: Sequence[int]) -> Any:
    """Return the power by which the processor's seconds grow with the texts, and the memory that scoring takes."""
    scoring.score(member, texts(PLAIN_BATCH))
    seconds, peaks = [], []
    for size in sizes:
        conversations = texts(size)
        Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
        before = memory_mb("VmRSS")
        runs = [clocked(lambda read=conversations: scoring.score(member, read)) for _ in range(3)]  # type: ignore[misc]
        peaks.append(memory_mb("VmHWM") - before)
        seconds.append(median(run.cpu for run in runs))
    slope = linear_regression([math.log(n) for n in sizes], [math.log(s) for s in seconds]).slope
    return {"exponent": slope, "sizes": list(sizes), "cpu_seconds": seconds, "peak_mb": peaks}


def memory_mb(name: str) -> float:
    """Return a figure of this process's memory, in MiB."""
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(name)) / 1024
