from rlhf_pipeline.curation.filters.contradictions import Params, apply


def flipped(pair, id, **columns):
    return pair(id, chosen="go away", rejected="hello there", **columns)


def test_both_labels_of_one_item_are_dropped_with_all_their_rows(pair, reasons):
    rows = [pair("a"), pair("b", prompt="say bye"), flipped(pair, "c"), pair("d")]
    reason = "judged both ways: 3 rows"
    assert reasons(rows, apply(rows, Params())) == (["b"], dict.fromkeys(["a", "c", "d"], reason))


def test_opposite_sides_under_another_prompt_are_no_contradiction(pair, reasons):
    rows = [pair("a"), flipped(pair, "b", prompt="be rude")]
    assert reasons(rows, apply(rows, Params())) == (["a", "b"], {})


def test_annotators_may_disagree_but_not_with_themselves(pair, reasons):
    rows = [pair("a", annotator="x"), flipped(pair, "b", annotator="y"), flipped(pair, "c", annotator="x")]
    assert reasons(rows, apply(rows, Params()))[0] == ["b"]
