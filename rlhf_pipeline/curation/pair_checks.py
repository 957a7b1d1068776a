"""What a rule about rows cannot see: leaks between splits, contradictions, copies, cycles, balance of length."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping

from rlhf_pipeline.curation import identity
from rlhf_pipeline.curation.curate import Curated
from rlhf_pipeline.curation.identity import prompt_id, text_of
from rlhf_pipeline.curation.split import HELD_OUT
from rlhf_pipeline.intervals import mean_interval
from rlhf_pipeline.records import Row, text
from rlhf_pipeline.verdicts import Interval, exactly


def measure_pairs(curated: Curated, seed: int) -> dict[str, Interval]:
    """Return every measure of the contract but those of the table suite."""
    rows = [row for split in curated.splits.values() for row in split]
    measured = {f"rows/{name}": exactly(len(table)) for name, table in curated.tables.items()}
    measured["dropped_fraction"] = exactly(len(curated.dropped) / max(curated.num_read, 1))
    groups = {name: {str(row["group"]) for row in split} for name, split in curated.splits.items()}
    measured["leaked_groups"] = exactly(len(shared(groups)))
    measured["leaked_prompts"] = exactly(len(leaked_prompts(curated)))
    measured["contradictory_pairs"] = exactly(len(identity.contradictions(rows)))
    measured["duplicate_pairs"] = exactly(len(identity.duplicates(rows)))
    measured["cycle_fraction"] = cycle_fraction(rows, seed)
    measured["longer_chosen_fraction"] = longer_chosen_fraction(rows, seed)
    return measured


def shared(keys: Mapping[str, set[str]]) -> set[str]:
    """Return the keys that stand in more than one set."""
    counts = Counter(key for names in keys.values() for key in names)
    return {key for key, count in counts.items() if count > 1}


def leaked_prompts(curated: Curated) -> set[str]:
    """Return the ids of prompts in two splits, or in the evaluation prompts and anything else but demonstrations."""
    prompts = {name: {prompt_id(row) for row in split} for name, split in curated.splits.items()}
    held_out = {prompt_id(row) for row in curated.tables[HELD_OUT]}
    tuned_on = {prompt_id(row) for row in curated.tables["policy_prompts"]}
    return shared({**prompts, HELD_OUT: held_out}) | (held_out & tuned_on)


def longer_chosen_fraction(rows: Iterable[Row], seed: int) -> Interval:
    """Return in which share of pairs the chosen side has more characters, among those of unequal length."""
    lengths = [(len(text(row["chosen"])), len(text(row["rejected"])), str(row["group"])) for row in rows]
    unequal = [(float(chosen > rejected), group) for chosen, rejected, group in lengths if chosen != rejected]
    return mean_interval([value for value, _ in unequal], [group for _, group in unequal], seed)


def cycle_fraction(rows: Iterable[Row], seed: int) -> Interval:
    """Return the share of prompts with a preference cycle, among those with three or more compared completions."""
    beaten = (edges for _, edges in majorities(rows))
    cyclic = [float(has_cycle(edges)) for edges in beaten if len({side for edge in edges for side in edge}) > 2]
    return mean_interval(cyclic, seed=seed) if cyclic else exactly(0.0, "no prompt has three compared completions")


def majorities(rows: Iterable[Row]) -> Iterator[tuple[str, set[tuple[str, str]]]]:
    """Yield the id of each prompt with several pairs, and which completion beats which in more of them than not."""
    compared: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        compared[prompt_id(row)].append(row)
    for prompt, votes in compared.items():
        if len(votes) > 1:
            counts = Counter((text_of(row["chosen"]), text_of(row["rejected"])) for row in votes)
            yield prompt, {(a, b) for (a, b), count in counts.items() if count > counts[b, a]}


def has_cycle(edges: set[tuple[str, str]]) -> bool:
    """Return whether following edges can lead back to where one began."""
    from graphlib import CycleError, TopologicalSorter

    sorter: TopologicalSorter[str] = TopologicalSorter()
    for winner, loser in edges:
        sorter.add(loser, winner)
    try:
        sorter.prepare()
    except CycleError:
        return True
    return False
