"""What needs no reading: how well length or words alone predict a preference, and annotators one another."""

from collections import Counter, defaultdict

from rlhf_pipeline.curation.chance import Share, share
from rlhf_pipeline.records import Row, text

MIN_PAIRS, MAX_PAIRS = 200, 4000  # of one part: fewer say nothing, more say it no better
MIN_LENGTH_EFFECT, MIN_WORDS_ACCURACY = 0.03, 0.55
MIN_VOTES = 10
FOLDS = 5


def measure(rows: list[Row]) -> dict[str, tuple[Share, bool, str]]:
    """Return the accuracy of length alone and of words alone, whether it is much, and words; of few rows nothing."""
    if len(rows) < MIN_PAIRS:
        return {}
    longer = share(is_longer(rows), _groups(rows))
    drawn = rows[:: -(-len(rows) // MAX_PAIRS)]
    foretold = share(is_foretold(drawn), _groups(drawn))
    return {
        "length_alone": (longer, abs(longer.value - 0.5) > MIN_LENGTH_EFFECT, "the chosen side is the longer one"),
        "words_alone": (
            foretold,
            foretold.value > MIN_WORDS_ACCURACY,
            "counts of words predict the chosen side, on pairs held out by group",
        ),
    }


def is_longer(rows: list[Row]) -> list[float]:
    """Return for each pair 1 where the chosen side has more characters, 0 where it has fewer, and else a half."""
    sizes = [(len(text(row["chosen"])), len(text(row["rejected"]))) for row in rows]
    return [0.5 if a == b else float(a > b) for a, b in sizes]


def is_foretold(rows: list[Row]) -> list[float]:
    """Return for each pair 1 where a logistic regression on the difference of word counts is right, a half at a tie.

    It is fitted to other groups. All are a half where groups are fewer than folds, or no word stands in two sides.
    """
    import numpy as np
    from scipy.sparse import vstack
    from sklearn.feature_extraction.text import CountVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import GroupKFold, cross_val_predict

    groups = _groups(rows)
    if len(set(groups)) < FOLDS:
        return [0.5] * len(rows)
    sides = [[text(row[side]) for row in rows] for side in ("chosen", "rejected")]
    try:
        counter = CountVectorizer(min_df=2, max_features=20_000).fit(sides[0] + sides[1])
    except ValueError:  # of a vocabulary that is empty
        return [0.5] * len(rows)
    difference = (counter.transform(sides[0]) - counter.transform(sides[1])).astype(float)
    # Every pair both ways round, so that neither class is the first side.
    features = vstack([difference, -difference]).tocsr()
    labels = np.repeat([1, 0], len(rows))
    model = LogisticRegression(C=0.05, fit_intercept=False, max_iter=300)
    foretold = cross_val_predict(model, features, labels, groups=groups * 2, cv=GroupKFold(FOLDS))
    return [float(value) for value in (foretold == labels).reshape(2, -1).mean(axis=0)]


def agreement(rows: list[Row]) -> dict[str, list[bool]]:
    """Return for each annotator with enough votes which are the majority of the others' on the same pair."""
    agreed: dict[str, list[bool]] = defaultdict(list)
    for row in rows:
        sides = [vote for vote in row.get("votes", ()) if vote["vote"] != "tie"]
        tally = Counter(vote["vote"] for vote in sides)
        for vote in sides:
            others = tally - Counter([vote["vote"]])
            lead = others["chosen"] - others["rejected"]
            if lead:
                agreed[vote["annotator"]].append((lead > 0) == (vote["vote"] == "chosen"))
    return {name: votes for name, votes in agreed.items() if len(votes) >= MIN_VOTES}


def _groups(rows: list[Row]) -> list[str]:
    return [str(row.get("group", text(row["prompt"]))) for row in rows]
