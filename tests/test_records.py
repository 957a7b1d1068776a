import hashlib

import pytest

from rlhf_pipeline import records


def test_rows_come_back_as_they_were_written(tmp_path):
    rows = [{"id": "1", "prompt": records.user("Größe? 数\u2028x")}, {"id": "2", "margin": 0.1}]
    assert records.write_rows(tmp_path / "new/rows.jsonl", rows) == 2
    assert records.read_rows(tmp_path / "new/rows.jsonl") == rows


def test_the_order_of_keys_and_plain_letters_are_kept_in_the_file(tmp_path):
    records.write_rows(tmp_path / "rows.jsonl", [{"b": "é", "a": 1}])
    assert (tmp_path / "rows.jsonl").read_text(encoding="utf-8") == '{"b": "é", "a": 1}\n'


def test_blank_lines_are_no_rows(tmp_path):
    (tmp_path / "rows.jsonl").write_text('{"a": 1}\n\n  \n{"a": 2}\n', encoding="utf-8")
    assert records.read_rows(tmp_path / "rows.jsonl") == [{"a": 1}, {"a": 2}]


def test_a_line_that_is_not_json_is_named_by_file_and_line(tmp_path):
    (tmp_path / "rows.jsonl").write_text('{"a": 1}\n{"a": \n', encoding="utf-8")
    with pytest.raises(ValueError, match=r"rows\.jsonl:2: not JSON"):
        records.read_rows(tmp_path / "rows.jsonl")


def test_rows_before_a_broken_line_can_be_read(tmp_path):
    (tmp_path / "rows.jsonl").write_text('{"a": 1}\nbroken\n', encoding="utf-8")
    assert next(records.iterate_rows(tmp_path / "rows.jsonl")) == {"a": 1}


@pytest.mark.parametrize("number", [float("nan"), float("inf"), -float("inf")])
def test_a_number_that_is_not_finite_is_refused(tmp_path, number):
    with pytest.raises(ValueError, match="not JSON compliant"):
        records.write_json(tmp_path / "metrics.json", {"accuracy": number})
    assert not (tmp_path / "metrics.json").exists()


def test_json_ends_with_a_newline_and_has_one_key_per_line(tmp_path):
    records.write_json(tmp_path / "a/metrics.json", {"x": 1, "y": 0.5})
    assert (tmp_path / "a/metrics.json").read_text(encoding="utf-8") == '{\n  "x": 1,\n  "y": 0.5\n}\n'
    assert records.read_json(tmp_path / "a/metrics.json") == {"x": 1, "y": 0.5}


def test_text_joins_the_messages_of_a_conversation():
    assert records.text(records.user("one") + records.assistant("two")) == "one\ntwo"


def test_a_seed_is_the_top_31_bits_of_a_hash():
    expected = int(hashlib.sha256(b"7/sft/first").hexdigest()[:8], 16) // 2
    assert records.derive_seed(7, "sft", "first") == expected < 2**31


def test_seeds_of_other_purposes_and_nights_differ():
    seeds = {records.derive_seed(seed, *names) for seed in range(50) for names in [(), ("a",), ("b",), ("a", 1)]}
    assert len(seeds) == 200


def test_moving_text_across_the_border_of_two_parts_changes_the_hash():
    assert records.hash_text("ab", "c") != records.hash_text("a", "bc")
    assert records.hash_text("ab", "c") == records.hash_text("ab", "c")


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "model/deep").mkdir(parents=True)
    (tmp_path / "model/weights").write_bytes(b"\x00\x01")
    (tmp_path / "model/deep/config.json").write_text("{}")
    return tmp_path / "model"


def test_a_folder_keeps_its_hash_where_it_is_moved(folder, tmp_path):
    before = records.hash_folder(folder)
    folder.rename(tmp_path / "elsewhere")
    assert records.hash_folder(tmp_path / "elsewhere") == before


@pytest.mark.parametrize(
    "change",
    [
        lambda folder: (folder / "weights").write_bytes(b"\x00\x02"),
        lambda folder: (folder / "weights").rename(folder / "weight"),
        lambda folder: (folder / "deep/config.json").rename(folder / "config.json"),
        lambda folder: (folder / "extra").write_bytes(b""),
        lambda folder: (folder / "weights").unlink(),
    ],
    ids=["byte changed", "file renamed", "file moved", "empty file added", "file removed"],
)
def test_any_change_in_a_folder_changes_its_hash(folder, change):
    before = records.hash_folder(folder)
    change(folder)
    assert records.hash_folder(folder) != before


def test_a_table_keeps_its_columns_and_leaves_what_a_row_lacks_blank(tmp_path):
    records.write_csv(
        tmp_path / "new/table.csv", [{"step": 1, "loss": 1 / 3}, {"step": 2, "kl": 2.0}], ["step", "loss", "kl"]
    )
    assert (tmp_path / "new/table.csv").read_text() == "step,loss,kl\n1,0.3333333,\n2,,2\n"


def test_a_column_without_a_name_is_refused(tmp_path):
    with pytest.raises(ValueError, match="los"):
        records.write_csv(tmp_path / "table.csv", [{"los": 1.0}], ["loss"])
