"""What needs no reading: how well length or words alone predict a preference, and annotators one another."""

from collections import Counter, defaultdict

from rlhf_pipeline.records import Row, text

MIN_PAIRS, MAX_PAIRS = 200, 4000  # of one part: fewer say nothing, more say it no better
MIN_LENGTH_EFFECT, MIN_WORDS_ACCURACY = 0.03, 0.55
MIN_VOTES = 10
FOLDS = 5


def measure(rows: list[Row]) -> dict[str, tuple[float, str]]:
    """Return the accuracy of length alone and of words alone where it is no chance, with words."""
    found: dict[str, tuple[float, str]] = {}
    if len(rows) < MIN_PAIRS:
        return found
    longer = longer_share(rows)
    if abs(longer - 0.5) > MIN_LENGTH_EFFECT:
        found["length_alone"] = (round(longer, 3), "the chosen side is the longer one")
    accuracy = words_accuracy(rows[:: -(-len(rows) // MAX_PAIRS)])
    if accuracy > MIN_WORDS_ACCURACY:
        found["words_alone"] = (
            round(accuracy, 3),
            "counts of words predict the chosen side, on pairs held out by group",
        )
    return found


def longer_share(rows: list[Row]) -> float:
    """Return the share of pairs whose chosen side has more characters, ties of length counted half."""
    sizes = [(len(text(row["chosen"])), len(text(row["rejected"]))) for row in rows]
    return sum(0.5 if a == b else float(a > b) for a, b in sizes) / len(sizes)


def words_accuracy(rows: list[Row]) -> float:
    """Return the cross-validated accuracy of a logistic regression on the difference of word counts.

    No group is in two folds. 0.5 where there are fewer groups than folds.
    """
    import numpy as np
    from scipy.sparse import vstack
    from sklearn.feature_extraction.text import CountVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import GroupKFold, cross_val_score

    groups = [str(row.get("group", text(row["prompt"]))) for row in rows]
    if len(set(groups)) < FOLDS:
        return 0.5
    sides = [[text(row[side]) for row in rows] for side in ("chosen", "rejected")]
    counter = CountVectorizer(min_df=2, max_features=20_000).fit(sides[0] + sides[1])
    difference = (counter.transform(sides[0]) - counter.transform(sides[1])).astype(float)
    # Every pair both ways round, so that neither class is the first side.
    features = vstack([difference, -difference]).tocsr()
    labels = np.repeat([1, 0], len(rows))
    model = LogisticRegression(C=0.05, fit_intercept=False, max_iter=300)
    return float(cross_val_score(model, features, labels, groups=groups * 2, cv=GroupKFold(FOLDS)).mean())


def agreement(rows: list[Row]) -> dict[str, float]:
    """Return for each annotator with enough votes the share that is the majority of the others' on the same pair."""
    agreed: dict[str, list[bool]] = defaultdict(list)
    for row in rows:
        sides = [vote for vote in row.get("votes", ()) if vote["vote"] != "tie"]
        tally = Counter(vote["vote"] for vote in sides)
        for vote in sides:
            others = tally - Counter([vote["vote"]])
            lead = others["chosen"] - others["rejected"]
            if lead:
                agreed[vote["annotator"]].append((lead > 0) == (vote["vote"] == "chosen"))
    return {name: sum(votes) / len(votes) for name, votes in agreed.items() if len(votes) >= MIN_VOTES}
