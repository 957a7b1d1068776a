from rlhf_pipeline.curation.filters.exact_duplicates import Params, apply


def test_all_but_the_first_copy_are_dropped(pair, reasons):
    rows = [pair("a"), pair("b", chosen="hello  there"), pair("c", prompt="say bye"), pair("d")]
    assert reasons(rows, apply(rows, Params())) == (["a", "c"], {"b": "copy: of a", "d": "copy: of a"})


def test_the_opposite_label_is_no_copy(pair, reasons):
    rows = [pair("a"), pair("b", chosen="go away", rejected="hello there")]
    assert reasons(rows, apply(rows, Params())) == (["a", "b"], {})


def test_votes_of_several_annotators_are_no_copies_but_a_vote_given_twice_is(pair, reasons):
    rows = [pair("a", annotator="x"), pair("b", annotator="y"), pair("c", annotator="x")]
    assert reasons(rows, apply(rows, Params())) == (["a", "b"], {"c": "copy: of a"})
