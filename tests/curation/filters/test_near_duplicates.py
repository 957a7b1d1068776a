import time

import numpy as np
import pytest
from datasketch import MinHash, MinHashLSH

from rlhf_pipeline.curation.filters.near_duplicates import (
    Params,
    apply,
    has_company,
    hash_shingles,
    jaccard,
    likeness,
    shingles,
    signatures,
    sketch,
)
from rlhf_pipeline.records import assistant, text

LONG = " ".join(f"word{i}" for i in range(60))


@pytest.fixture
def near(pair):
    return [pair("a", chosen=LONG, rejected="no"), pair("b", chosen=LONG + " more", rejected="no")]


def test_an_item_that_nearly_repeats_an_earlier_one_is_dropped(near, pair, reasons):
    rows = [*near, pair("c", prompt="something else", chosen="entirely", rejected="different words here")]
    kept, dropped = reasons(rows, apply(rows, Params()))
    assert kept == ["a", "c"]
    assert dropped["b"].startswith("near copy: of a, Jaccard 0.98")


def test_sides_are_compared_in_either_order(near, reasons):
    swapped = [near[0], near[1] | {"chosen": near[1]["rejected"], "rejected": near[1]["chosen"]}]
    assert reasons(swapped, apply(swapped, Params()))[0] == ["a"]


def test_the_exact_jaccard_decides_on_both_sides_of_the_threshold(near, reasons):
    items = [shingles(("hi", row["rejected"][0]["content"], row["chosen"][0]["content"]), 3) for row in near]
    assert likeness(*items) == pytest.approx(58 / 59)  # 60 words have 58 triples
    assert reasons(near, apply(near, Params(threshold=0.98)))[0] == ["a"]
    assert reasons(near, apply(near, Params(threshold=0.99)))[0] == ["a", "b"]


def test_short_replies_to_one_long_prompt_are_not_near(pair, reasons):
    rows = [pair("a", LONG, "yes please", "no"), pair("b", LONG, "yes please", "never"), pair("c", LONG, "maybe", "no")]
    assert reasons(rows, apply(rows, Params())) == (["a", "b", "c"], {})


def test_a_long_prompt_that_all_rows_share_puts_none_of_them_into_one_bucket(pairs):
    rows = [row | {"prompt": [message(LONG), *row["prompt"]]} for row in pairs(1000)]
    ids, buckets = sketch(rows, Params())
    assert len(set(ids)) == 1000
    assert not has_company(buckets).any()


def message(content):
    return {"role": "system", "content": content * 3}


def test_votes_on_one_item_stay_together(near, reasons):
    rows = [near[0] | {"id": "v1", "annotator": "x"}, near[0] | {"id": "v2", "annotator": "y"}, near[1]]
    assert reasons(rows, apply(rows, Params()))[0] == ["v1", "v2"]


def test_rows_of_a_small_vocabulary_are_not_near_and_thousands_take_seconds(pairs):
    rows = pairs(4000)
    start = time.perf_counter()
    assert len(apply(rows, Params()).kept) == 4000
    assert time.perf_counter() - start < 20


def test_every_one_of_many_planted_copies_is_found(pairs):
    rows = pairs(400)
    copies = [row | {"id": row["id"] + "-copy", "chosen": row["rejected"], "rejected": row["chosen"]} for row in rows]
    found = apply([*rows, *[copy | {"prompt": shouted(copy["prompt"])} for copy in copies]], Params())
    assert len(found.dropped) == 400


def shouted(prompt):
    return [message | {"content": message["content"].upper()} for message in prompt]


def groups_of_datasketch(rows):
    """Return each row that the library alone finds near an earlier one, with that one's id."""
    index = MinHashLSH(threshold=0.8, num_perm=256)
    found = {}
    for row in rows:
        parts = [text(row[part]).split() for part in ("prompt", "chosen", "rejected")]
        marked = [" ".join(words[n : n + 3]).encode() for words in parts for n in range(len(words) - 2)]
        minhash = next(MinHash.generator([marked], num_perm=256))
        if near := index.query(minhash):
            found[row["id"]] = near[0]
        else:
            index.insert(row["id"], minhash)
    return found


def test_groups_are_those_that_datasketch_finds_where_near_copies_are_planted(pairs):
    talk = iter(text(row["chosen"]) for row in pairs(4000, seed=1))
    rows = [row | {"chosen": assistant(" ".join(next(talk) for _ in range(8)))} for row in pairs(400)]
    copies = [row | {"id": f"{row['id']}-copy", "chosen": more(row["chosen"])} for row in rows[::3]]
    found = apply([*rows, *copies], Params()).dropped
    groups = {row["id"]: reason.removeprefix("near copy: of ").partition(",")[0] for row, reason in found}
    assert groups == {copy["id"]: copy["id"].removesuffix("-copy") for copy in copies}
    assert groups == groups_of_datasketch([*rows, *copies])


def more(conversation):
    return assistant(text(conversation) + " more")


def test_signatures_agree_as_often_as_bags_have_shingles_in_common():
    words = np.random.default_rng(0).permutation(1000).astype(str).tolist()
    texts = [" ".join(words[:400]), " ".join(words[100:500]), " ".join(words[500:900])]
    hashes, begins = hash_shingles(texts, 3)
    factors = np.random.default_rng(1).integers(2**32, size=(4000, 2), dtype=np.uint32) | np.uint32([1, 0])
    first, near, far = signatures(hashes, begins, factors).T
    one, other = (shingles((said, "", ""), 3)[0] for said in texts[:2])
    assert jaccard(one, other) == pytest.approx(298 / 498)  # 400 words have 398 triples, of which 298 are shared
    assert np.mean(first == near) == pytest.approx(298 / 498, abs=0.04)  # five standard errors
    assert np.mean(first == far) < 0.01


def test_a_shingle_ends_with_its_text_and_a_short_text_is_one_shingle():
    hashes, begins = hash_shingles(["a b c d", "a", "", "A  b\tC"], 3)
    assert begins.tolist() == [0, 2, 3, 4]
    assert len(set(hashes.tolist())) == len(hashes) - 1 == 4
    assert hashes[0] == hashes[4]
