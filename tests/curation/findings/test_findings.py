from pathlib import Path

import pytest

from rlhf_pipeline.curation.curate import Curated
from rlhf_pipeline.curation.findings import few_pairs, find
from rlhf_pipeline.curation.predictors import agreement
from rlhf_pipeline.curation.sources import Raw, rated
from rlhf_pipeline.curation.sources._files import Entry
from rlhf_pipeline.curation.split import PAIR_SPLITS
from rlhf_pipeline.records import assistant, user

EMPTY = Curated(0, {name: [] for name in PAIR_SPLITS}, [])


def found(*raws, names=("a.jsonl", "b.jsonl")):
    by_file = {Path(name): raw for name, raw in zip(names, raws, strict=False)}
    return {finding.name: finding for finding in find(EMPTY, by_file)}


def labelled(*told, **columns):
    rows = [
        {"id": f"x-{n}", "prompt": user(p), "completion": assistant(c), "label": label, **columns}
        for n, (p, c, label) in enumerate(told)
    ]
    return Raw(pairs=[], labels=rows)


def test_sound_pairs_give_no_finding_but_their_number(pairs):
    assert found(Raw(pairs(300))).keys() == {"few_pairs"}


def test_few_pairs_are_told_and_many_are_not(pair):
    rows = [pair(str(n)) for n in range(3)]
    [finding] = few_pairs(Curated(4, {**EMPTY.tables, "train": rows}, []))
    assert (finding.value, "of 4 read" in finding.words) == (3, True)
    assert list(few_pairs(Curated(10_000, {**EMPTY.tables, "train": rows * 4000}, []))) == []


def test_sides_that_are_no_text_are_told_from_other_malformed_rows(pairs):
    bad = [({"id": "a"}, "chosen is neither text nor messages: bool"), ({"id": "b"}, "not JSON: x")]
    finding = found(Raw(pairs(4), unreadable=bad))
    assert (finding["no_text"].rows, finding["set_aside"].rows) == (["a"], ["b"])


def test_empty_sides_and_copies_and_contradictions_name_their_rows(pairs, pair):
    rows = [pair("e", "p", chosen=" "), pair("f", "q"), pair("g", "q"), pair("h", "q", "go away", "hello there")]
    finding = found(Raw([*pairs(30), *rows]))
    assert finding["empty_text"].rows == ["e"]
    assert finding["duplicates"].rows == ["g"]
    assert finding["both_ways"].rows == ["f", "g", "h"]


def test_a_label_that_repeats_and_one_that_contradicts_are_told_apart():
    finding = found(labelled(("p", "a", 1), ("p", "a", 1), ("q", "b", 0), ("q", "b", 1)))
    assert finding["duplicates"].rows == ["x-1"]
    assert (finding["both_ways"].value, finding["both_ways"].rows) == (1, ["x-2", "x-3"])


def test_files_that_label_the_same_completions_differently_are_told():
    told = [(f"p{n}", f"c{n}", n % 2) for n in range(60)]
    turned = [(p, c, 1 - label if n < 30 else label) for n, (p, c, label) in enumerate(told)]
    finding = found(labelled(*told), labelled(*turned))["opposite_files"]
    assert (finding.value, "of 60 completions" in finding.words) == (30, True)
    assert "opposite_files" not in found(labelled(*told), labelled(*told))


def test_prompts_in_two_files_are_told_by_their_rows(pair):
    one = Raw([pair("a1", "shared"), pair("a2", "own"), pair("a3", "mine")])
    finding = found(one, Raw([pair("b1", "shared"), pair("b2", "other")]))["shared_prompts"]
    assert (finding.value, finding.rows) == (1, ["b1"])
    assert "of 2 prompts of b.jsonl" in finding.words


def test_one_place_that_always_wins_is_told_and_a_mixture_is_not(pairs):
    def places(first):
        return Raw([row | {"chosen_place": "j" if n < first else "k"} for n, row in enumerate(pairs(40))])

    assert found(places(39))["one_place"].value == 39
    assert found(places(39))["one_place"].rows == ["p39"]
    assert "one_place" not in found(places(30))


def test_opposite_class_balance_of_parts_is_told_with_shards_counted_together():
    def rows(share, name):
        return labelled(*((f"{name}{n}", f"{name}{n}", int(n < share)) for n in range(30)), slice=name).labels

    shards = Raw([], labels=rows(3, "x_01.json") + rows(3, "x_02.json") + rows(27, "y_01.json"))
    finding = found(shards)["class_balance"]
    assert finding.value == 0.8
    assert finding.words.endswith("x 0.10, y 0.90")
    assert "class_balance" not in found(Raw([], labels=rows(15, "x") + rows(18, "y")))


def test_a_reply_that_is_always_right_is_told_file_by_file():
    told = [(f"p{n}", "I pass." if n < 40 else f"c{n}", int(n < 40)) for n in range(100)]
    other = [(p, c, 0 if c == "I pass." else 1) for p, c, _ in told]
    finding = found(labelled(*told), labelled(*other))["stock_reply"]
    assert "'i pass': positive 1.00 of 40 in a.jsonl, 0.00 of 40 in b.jsonl" in finding.words
    assert "stock_reply" not in found(labelled(*[(p, c, n % 2) for n, (p, c, _) in enumerate(told)]))


def test_completions_behind_many_pairs_call_for_the_group_that_keeps_them_apart(pair):
    rows = [
        pair(f"{t}{a}{b}", f"about {t}, {side}", f"{t}{side}{a}", f"{t}{side}{b}", topic=t)
        for t in "uvw"
        for side in ("for", "against")
        for a in range(6)
        for b in range(a)
    ]
    finding = found(Raw(rows))["reused_completions"]
    assert (finding.value, "split by `topic`" in finding.words) == (36, True)


def test_preferences_in_a_circle_name_the_rows_that_make_it(pair):
    circle = [pair("1", "p", "a", "b"), pair("2", "p", "b", "c"), pair("3", "p", "c", "a"), pair("4", "p", "a", "d")]
    assert found(Raw(circle))["cycles"].rows == ["1", "2", "3"]
    assert "cycles" not in found(Raw(circle[1:]))


def longer(pair, count, share):
    """Return pairs of which a share have the longer side chosen; both sides hold the same word."""
    rows = [pair(f"p{n}", f"ask {n}", "well" + "!" * (n % 5 + 2), "well!") for n in range(count)]
    turn = [row | {"chosen": row["rejected"], "rejected": row["chosen"]} for row in rows[round(share * count) :]]
    return Raw(rows[: round(share * count)] + turn)


@pytest.mark.parametrize(
    ("count", "share", "is_told"), [(200, 0.56, False), (2000, 0.56, True), (200, 0.7, True), (5000, 0.525, False)]
)
def test_length_is_told_where_its_effect_is_large_and_no_chance(pair, count, share, is_told):
    assert ("length_alone" in found(longer(pair, count, share))) == is_told


def test_the_more_parts_are_measured_the_rarer_each_must_be(pair):
    one = longer(pair, 400, 0.57)
    assert "length_alone" in found(one)
    clear = [Raw([row | {"slice": f"{n}"} for row in longer(pair, 400, 0.5).pairs]) for n in range(9)]
    assert "length_alone" not in found(one, *clear, names=[f"{letter}.jsonl" for letter in "abcdefghij"])


def test_pairs_of_one_prompt_are_no_more_certain_than_their_prompt(pair):
    rows = longer(pair, 400, 0.57).pairs
    assert "length_alone" not in found(Raw([row | {"group": str(n // 20)} for n, row in enumerate(rows)]))


def test_a_reply_that_is_as_often_right_as_any_other_is_not_told():
    told = [(f"p{n}", "I pass." if n % 10 == 0 else f"c{n}", int(n % 7 > 0)) for n in range(400)]
    assert "stock_reply" not in found(labelled(*told))


def test_few_labels_that_differ_by_chance_are_no_balance():
    def part(name, positive):
        told = [(f"{name}{n}", f"c{n}", int(n < positive)) for n in range(20)]
        return labelled(*told, slice=f"part {name}").labels

    rows = [row for number, name in enumerate("abcdefgh") for row in part(name, 5 + number)]  # 0.25 to 0.60
    assert "class_balance" not in found(Raw([], labels=rows))


def test_a_row_per_completion_has_no_place_that_wins():
    told = [{"prompt": f"p{n // 2}", "response": f"c{n}", "helpfulness": n % 2} for n in range(80)]
    entries = [Entry(Path("x.jsonl"), number, row) for number, row in enumerate(told, start=1)]
    raw = rated.parse(entries, rated.Params())
    assert len(raw.pairs) == 40
    assert "one_place" not in found(raw)


def test_one_of_many_annotators_below_a_half_on_few_votes_is_chance(pairs):
    def votes(n):
        names = [f"a{(n + k) % 20}" for k in range(3)]
        is_odd = [(name == "a0" and n % 5 < 3) or n % 4 == k for k, name in enumerate(names)]
        return [{"annotator": x, "vote": "rejected" if odd else "chosen"} for x, odd in zip(names, is_odd, strict=True)]

    rows = [row | {"votes": votes(n)} for n, row in enumerate(pairs(80))]
    cast = agreement(rows)["a0"]
    assert (sum(cast), len(cast)) == (4, 12)
    assert "annotators" not in found(Raw(rows))


def test_votes_for_both_sides_and_an_annotator_who_agrees_with_nobody_are_told(pairs):
    def vote(name, side):
        return {"annotator": name, "vote": side}

    votes = [vote("x", "chosen"), vote("y", "chosen"), vote("z", "chosen"), vote("odd", "rejected")]
    finding = found(Raw([row | {"votes": votes} for row in pairs(12)]))
    assert (finding["annotators"].value, finding["annotators"].rows) == (1, ["odd"])
    assert finding["split_votes"].value == 12


@pytest.mark.parametrize(("count", "is_told"), [(25, True), (5, False)])
def test_coarse_words_are_told_where_there_are_many(pair, count, is_told):
    rows = [pair(str(n), f"p {n}", f"this shit {n}" if n < count else "x", f"y {n}") for n in range(40)]
    assert ("coarse_words" in found(Raw(rows))) == is_told


REAL = {
    "truthfulqa": {"duplicates", "both_ways", "opposite_files", "shared_prompts", "stock_reply", "reused_prompts"},
    "taskmaster_reward": {"class_balance", "both_ways"},
    "pandalm": {"no_text", "empty_text", "duplicates"},
    "oasst": {"length_alone", "few_pairs"},
    "hh_rlhf": {"length_alone", "words_alone", "few_pairs", "coarse_words"},
    "contrast_instructions": {"one_place", "shared_prompts"},
    "ukp_convarg1": {"reused_completions", "length_alone", "annotators", "cycles", "both_ways", "split_votes"},
}


@pytest.mark.parametrize("name", REAL)
def test_the_known_traps_of_real_data_are_found_without_being_told(root, name):
    from rlhf_pipeline.curation.inspection import read_files, recognise_all
    from rlhf_pipeline.curation.sources._files import find_files

    folder = root.parent / "shared" / "data" / name
    if not folder.is_dir():
        pytest.skip(f"needs ../shared/data/{name}, which this machine does not have")
    files = [file for file in find_files(folder) if not file.name.startswith("para_")]
    raw_by_file = read_files(files, recognise_all(files))
    assert REAL[name] <= {finding.name for finding in find(EMPTY, raw_by_file)}
