import gzip
import json

import pyarrow
import pytest
from pyarrow import parquet

from rlhf_pipeline.curation.sources._files import LINES, PARQUET, find_files, iterate_entries


def test_files_of_a_folder_are_found_sorted_by_their_endings(tmp_path):
    for name in ("b.jsonl", "a.jsonl.gz", "c.parquet", "README.md"):
        (tmp_path / name).touch()
    assert [file.name for file in find_files(tmp_path, (*LINES, *PARQUET))] == ["a.jsonl.gz", "b.jsonl", "c.parquet"]
    assert find_files(tmp_path / "b.jsonl", LINES) == [tmp_path / "b.jsonl"]


def test_a_folder_without_files_is_refused_with_what_to_set(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"set curation\.input"):
        find_files(tmp_path, LINES)


def test_broken_lines_are_yielded_with_their_reason(tmp_path):
    file = tmp_path / "x.jsonl"
    file.write_bytes(b'{"a": 1}\n\n{"a": \n[1]\n{"b": "\xff"}\n{"c": NaN}\n')
    entries = list(iterate_entries(file))
    assert [(e.error or "").split(":")[0] for e in entries] == ["", "not JSON", "not a JSON object", "not UTF-8", ""]
    assert [e.id for e in entries] == [f"x-0000{n}" for n in range(1, 6)]
    assert entries[4].value == {"c": None}


def test_gzip_and_parquet_hold_the_same_rows(tmp_path):
    rows = [{"chosen": "é", "n": 1.5}, {"chosen": "b", "n": None}]
    with gzip.open(tmp_path / "x.jsonl.gz", "wt", encoding="utf-8") as lines:
        lines.writelines(json.dumps(row) + "\n" for row in rows)
    parquet.write_table(pyarrow.Table.from_pylist(rows), tmp_path / "x.parquet")
    read = [[entry.value for entry in iterate_entries(file)] for file in sorted(tmp_path.iterdir())]
    assert read == [rows, rows]


def test_a_json_list_and_a_json_file_of_lines_hold_the_same_rows(tmp_path):
    rows = [{"chosen": "é"}, {"n": 2}]
    (tmp_path / "a.json").write_text(json.dumps(rows, indent=1), encoding="utf-8")
    (tmp_path / "b.json").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    (tmp_path / "c.json").write_text(json.dumps([*rows, 3]), encoding="utf-8")
    read = [list(iterate_entries(file)) for file in find_files(tmp_path)]
    assert [[entry.value for entry in entries[:2]] for entries in read] == [rows] * 3
    assert (read[2][2].id, read[2][2].error) == ("c-00003", "not a JSON object")
