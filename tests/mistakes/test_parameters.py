"""Mistakes in params.yaml, in profiles and on the command line."""

from pathlib import Path

import pytest

from tests.mistakes.table import CURATED, Mistake, assign, cases, check, nothing, put

TRUNK = ("data/sft/metrics/first.json",)
MARKERS = b"<<<<<<< HEAD\nseed: 0\n=======\nseed: 1\n>>>>>>> other\n"


def conflict(name: str) -> Mistake:
    """Return the row of a file that git merged and left for the user to finish."""
    return Mistake(
        f"merge markers in {name}",
        put(name, MARKERS),
        "rlhf run",
        2,
        (f"error: {name}:1: a merge is not finished", "keep one side"),
    )


def by_stage(name: str, key: str, value: object, run: str, *says: str) -> Mistake:
    """Return the row of a value that someone wrote into params.yaml and that a stage reads."""
    return Mistake(
        name, assign(key, value), run, 1, ("error: ", *says), absent=("data/sft/metrics/first.json", *CURATED)
    )


def by_command(name: str, assignment: str, *says: str) -> Mistake:
    """Return the row of a value that the command refuses to write."""
    return Mistake(name, nothing, f"rlhf run --set {assignment}", 2, ("error: ", *says))


ROWS = [
    by_stage("unknown section", "sfft", {}, "curation", "params.yaml: sfft: unknown key. Did you mean sft?"),
    by_stage(
        "unknown parameter", "curation.sorce", "pairs", "curation", "curation.sorce: unknown key. Did you mean source"
    ),
    by_stage(
        "unknown setting",
        "sft.settings.learning_rat",
        1,
        "sft first",
        "settings of sft.trunks.first: learning_rat",
        "Did you mean learning_rate",
    ),
    by_stage(
        "unknown method",
        "curation.source",
        "pears",
        "curation",
        "curation.source: unknown method 'pears'",
        "Did you mean pairs?",
    ),
    by_stage(
        "unknown filter",
        "curation.filters",
        ["lenght"],
        "curation",
        "curation.filters.0: unknown method 'lenght'",
        "Did you mean length?",
    ),
    by_command(
        "unknown objective",
        "rewards.members.a.objective=bradley_tery",
        "rewards.members.a.objective",
        "Did you mean bradley_terry?",
    ),
    by_command(
        "unknown algorithm", "policy.algorithm=grop", "policy.algorithm: unknown method 'grop'", "Did you mean grpo"
    ),
    by_command("unknown aggregator", "validation.aggregator=meen", "validation.aggregator", "Did you mean mean"),
    by_command(
        "unknown trunk of a member",
        "rewards.members.a.trunk=frist",
        "rewards.members.a.trunk: no 'frist' in sft.trunks",
        "Did you mean first?",
    ),
    by_command(
        "unknown reference",
        "policy.reference=frist",
        "policy.reference: no 'frist' in sft.trunks",
        "Did you mean first?",
    ),
    by_stage("unknown member", "rewards.members", {}, "policy", "member 'a' is not listed in rewards.members"),
    by_command(
        "value out of range", "sft.threads=0", "sft.threads: Input should be greater than or equal to 1 (got 0)"
    ),
    by_stage(
        "setting out of range",
        "sft.settings.learning_rate",
        -1,
        "sft first",
        "learning_rate: Input should be greater than 0",
        "(got -1)",
    ),
    by_command("value of a wrong type", "seed=many", "seed: Input should be a valid integer", "(got 'many')"),
    by_stage(
        "setting of a wrong type",
        "sft.settings.batch_size",
        "big",
        "sft first",
        "batch_size: Input should be a valid integer",
        "(got 'big')",
    ),
    by_command(
        "fractions that leave nothing", "curation.split.validation=0.9", "curation.split", "leave no group for train"
    ),
    by_command("assignment without a value", "seed", "--set seed: write section.key=value"),
    by_command("assignment that is no YAML", "seed=[1", "--set seed=[1: the value is not YAML; quote it"),
    by_stage(
        "generations that do not divide the batch",
        "policy.settings.num_generations",
        3,
        "policy",
        "batch_size 8 is no multiple of num_generations 3; write batch_size 6 or 9",
    ),
    by_stage(
        "rows at once that do not divide the batch",
        "sft.settings.rows_at_once",
        3,
        "sft first",
        "batch_size 8 is no multiple of rows_at_once 3; write batch_size 6 or 9",
    ),
    Mistake(
        "unknown profile", nothing, "rlhf run --profile hhh", 2, ("error: unknown profile 'hhh'", "Did you mean hh?")
    ),
    Mistake(
        "profile that is no YAML",
        put("profiles/mine.yaml", "seed: [1\n"),
        "rlhf run --profile mine",
        2,
        ("error: profiles/mine.yaml:2: not YAML", "correct the line"),
    ),
    Mistake(
        "params.yaml that is no YAML",
        put("params.yaml", "seed: 0\ncuration: {source\n"),
        "curation",
        1,
        ("error: params.yaml:3: not YAML", "correct the line"),
        absent=CURATED,
    ),
    Mistake(
        "params.yaml in another encoding",
        put("params.yaml", "seed: 0\n# é\n".encode("latin-1")),
        "curation",
        1,
        ("error: params.yaml:2: not UTF-8", "save the file in that encoding"),
        absent=CURATED,
    ),
    Mistake(
        "params.yaml that is a list",
        put("params.yaml", "- seed\n"),
        "curation",
        1,
        ("error: params.yaml: holds a list", "write a map"),
        absent=CURATED,
    ),
    Mistake(
        "empty params.yaml",
        put("params.yaml", ""),
        "curation",
        1,
        ("error: params.yaml: seed: Field required",),
        absent=CURATED,
    ),
    Mistake(
        "unknown folder of methods",
        nothing,
        "rlhf methods rewards/objektives",
        2,
        ("error: no folder of methods: rewards/objektives", "Did you mean rewards/objectives?"),
    ),
    Mistake(
        "unknown revision",
        nothing,
        "rlhf run --at no-such-branch",
        2,
        ("error: ", "no-such-branch", "no such revision"),
    ),
    conflict("params.yaml"),
    conflict("dvc.lock"),
]


@cases(ROWS)
def test_a_mistake_in_parameters_is_told(row: Mistake, project: Path, capfd: pytest.CaptureFixture[str]) -> None:
    check(row, project, capfd)


def test_a_refused_assignment_leaves_the_file_as_it_was(project: Path, capfd: pytest.CaptureFixture[str]) -> None:
    before = (project / "params.yaml").read_bytes()
    check(by_command("two, one of them wrong", "seed=7 --set sft.threads=0", "sft.threads"), project, capfd)
    assert (project / "params.yaml").read_bytes() == before
