"""Mistakes in data: what a file of preferences, or a file between two stages, can be instead of what it should."""

import gzip
from pathlib import Path

import pytest

from tests.mistakes.pairs import lines, only, plain
from tests.mistakes.table import CURATED, Make, Mistake, assign, both, cases, check, nothing, put

DROPPED = "data/curation/dropped.jsonl"
DEMONSTRATIONS = "data/curation/demonstrations.jsonl"
CHECK = "rlhf data check mine.jsonl --source pairs"
NUL, BELL, RTL = "a\x00b", "a\x07b", "\u202eשלום\u202c"
LABELLED = only(*({"prompt": f"ask {n // 2}", "completion": f"say {n}", "label": 1} for n in range(20)))


def folder_instead(name: str) -> Make:
    """Return what makes a folder of a file."""

    def make(project: Path) -> None:
        (project / name).unlink()
        (project / name).mkdir()

    return make


def torn_gzip(project: Path) -> None:
    (project / "mine.jsonl.gz").write_bytes(gzip.compress(lines().encode())[:-40])


def dropped(name: str, planted: str, reason: str) -> Mistake:
    """Return a row whose planted pair is dropped with a reason, while the others go on."""
    return Mistake(name, put("mine.jsonl", lines(planted)), "curation", 0, (), whole=CURATED, told=(DROPPED, reason))


def kept(name: str, text: str, written: str) -> Mistake:
    """Return a row whose odd text is a pair like the others, and whole where it is written."""
    pair = plain(100) | {"chosen": f"{text} yes", "split": "train"}
    make = put("mine.jsonl", lines(pair))
    return Mistake(name, make, "curation", 0, (), whole=CURATED, told=("data/curation/demonstrations.jsonl", written))


ROWS = [
    Mistake(
        "missing file",
        assign("curation.input", "nowhere.jsonl"),
        "curation",
        1,
        ("error: ", "nowhere.jsonl", "set curation.input"),
        absent=CURATED,
    ),
    Mistake(
        "missing file to check",
        nothing,
        "rlhf data check nowhere.jsonl",
        2,
        ("error: ", "nowhere.jsonl", "to a file or a folder"),
    ),
    Mistake(
        "folder without data",
        both(put("empty/README.md", "x"), assign("curation.input", "empty")),
        "curation",
        1,
        ("no .jsonl", "at empty", "set curation.input"),
        absent=CURATED,
    ),
    Mistake(
        "folder where a file is meant",
        folder_instead(DEMONSTRATIONS),
        "sft first",
        1,
        ("error: ", DEMONSTRATIONS, "this is a folder; name a file"),
        absent=("data/sft/metrics/first.json",),
    ),
    dropped("malformed line of the input", '{"prompt": "a", "chosen": ', "not JSON: line 81 column 27"),
    Mistake(
        "malformed JSON list",
        both(put("list.json", '[{"prompt": "a",\n "chosen": }]'), assign("curation.input", "list.json")),
        "curation",
        1,
        ("error: list.json: cannot be read: not JSON", "line 2 column 12", "write the file again"),
        absent=CURATED,
    ),
    Mistake(
        "malformed line between stages",
        put(DEMONSTRATIONS, '{"prompt": []}\n{"prompt": \n'),
        "sft first",
        1,
        (f"error: {DEMONSTRATIONS}:2: not JSON", "correct the line"),
        absent=("data/sft/metrics/first.json",),
    ),
    Mistake(
        "rows that are no objects",
        put(DEMONSTRATIONS, "[1, 2]\n"),
        "sft first",
        1,
        (f"error: {DEMONSTRATIONS}:1: a list", "write one JSON object per line"),
    ),
    Mistake(
        "other encoding between stages",
        put(DEMONSTRATIONS, '{"prompt": "é"}\n'.encode("latin-1")),
        "sft first",
        1,
        (f"error: {DEMONSTRATIONS}:1: not UTF-8", "save the file in that encoding"),
    ),
    dropped(
        "column of a wrong type",
        '{"prompt": "a", "chosen": 3, "rejected": "b"}',
        "chosen is neither text nor messages: int",
    ),
    dropped(
        "margin of a wrong type",
        '{"prompt": "a", "chosen": "c", "rejected": "b", "margin": "much"}',
        "margin is no number of at least 0: much",
    ),
    Mistake(
        "other encoding of the input",
        put("mine.jsonl", lines().encode() + '{"prompt": "é"}\n'.encode("latin-1")),
        "curation",
        0,
        (),
        whole=CURATED,
        told=(DROPPED, "not UTF-8: line 81"),
    ),
    Mistake(
        "torn gzip",
        both(torn_gzip, assign("curation.input", "mine.jsonl.gz")),
        "curation",
        1,
        ("error: mine.jsonl.gz: cannot be read", "copy or write the file again"),
        absent=CURATED,
    ),
    Mistake(
        "parquet that is none",
        both(put("mine.parquet", lines()), assign("curation.input", "mine.parquet")),
        "curation",
        1,
        ("error: mine.parquet: cannot be read", "copy or write the file again"),
        absent=CURATED,
    ),
    Mistake(
        "no rows between stages",
        put(DEMONSTRATIONS, ""),
        "sft first",
        1,
        (f"error: {DEMONSTRATIONS}: no rows", "dropped.jsonl"),
    ),
    Mistake(
        "empty file",
        put("mine.jsonl", ""),
        "curation",
        0,
        (),
        whole=CURATED,
        told=("data/curation/verdict.json", "the input has no rows: set curation.input to files with some"),
    ),
    Mistake(
        "one class only",
        both(put("mine.jsonl", LABELLED), assign("curation.source", "labelled")),
        "curation",
        0,
        (),
        whole=CURATED,
        told=(
            "data/curation/verdict.json",
            "all 20 rows were dropped by source 20 (no completion of the prompt has the other label)",
        ),
    ),
    Mistake(
        "all rows dropped by filters",
        assign("curation.filter_settings", {"length": {"min_words": 50}}),
        "curation",
        0,
        (),
        whole=CURATED,
        told=("data/curation/verdict.json", "all 80 rows were dropped by length 80 (chosen is too short)"),
    ),
    Mistake(
        "the same, checked",
        assign("curation.filter_settings", {"length": {"min_words": 50}}),
        CHECK,
        3,
        ("contract: refused", "contract.html"),
    ),
    Mistake(
        "columns of no known form",
        put("odd.jsonl", only({"x": 1})),
        "rlhf data check odd.jsonl",
        2,
        ("error: odd.jsonl: no known form has the columns x", "say --source NAME"),
    ),
    Mistake(
        "duplicated ids",
        put("mine.jsonl", lines(plain(90) | {"id": "same"}, plain(95) | {"id": "same"})),
        "curation",
        0,
        (),
        whole=CURATED,
        told=("data/curation/verdict.json", "no id stands twice; give each row an id of its own: same"),
    ),
    Mistake(
        "group that no row has",
        assign("curation.group", "debate"),
        "curation",
        1,
        ("error: curation.group is 'debate'", "mine-00001", "no such column; write one that every row has"),
        absent=CURATED,
    ),
    Mistake(
        "unknown split in a row",
        put("mine.jsonl", lines(plain(90) | {"split": "trian"})),
        "curation",
        1,
        ("error: unknown split 'trian'", "Did you mean train?"),
        absent=CURATED,
    ),
    Mistake(
        "prompt of a megabyte",
        put("mine.jsonl", lines(plain(90) | {"prompt": "word " * 210_000})),
        "curation",
        0,
        (),
        whole=CURATED,
        told=(DROPPED, "prompt is too long: 1050000 characters, 210000 words"),
    ),
    dropped(
        "completion of only white space",
        '{"prompt": "a", "chosen": " \\t\\n\\u00a0", "rejected": "b"}',
        "chosen is empty",
    ),
    kept("NUL in a text", NUL, "a\\u0000b yes"),
    kept("control character in a text", BELL, "a\\u0007b yes"),
    kept("text from right to left", RTL, f"{RTL} yes"),
]


@cases(ROWS)
def test_a_mistake_in_data_is_told(row: Mistake, project: Path, capfd: pytest.CaptureFixture[str]) -> None:
    check(row, project, capfd)


def test_the_gate_says_which_filter_dropped_all_rows(project: Path, capfd: pytest.CaptureFixture[str]) -> None:
    from tests.mistakes.table import stage

    assign("curation.filter_settings", {"length": {"min_words": 50}})(project)
    assert stage("curation", capfd).code == 0
    refused = Mistake(
        "refused",
        nothing,
        "gate curation",
        1,
        (
            "refused: curation: rows/train 0 (all 80 rows were dropped by length 80 (chosen is too short)",
            "see data/curation/verdict.json",
        ),
    )
    (project / "data/gate/curation.json").unlink()
    check(refused, project, capfd)
    assert not (project / "data/gate/curation.json").exists()
