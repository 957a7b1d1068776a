"""What a source left empty, derived from its pairs: demonstrations, prompts, contrast items."""

from collections.abc import Iterable

from rlhf_pipeline.curation.identity import prompt_id, text_of
from rlhf_pipeline.records import Row, hash_text

# Cosine of TF-IDF: below, two prompts share hardly more than small words; above, one reply may be good for both.
MIN_SIMILARITY, MAX_SIMILARITY = 0.3, 0.95
NEIGHBOURS = 5
MIN_WORDS = 5  # of the last message: a bare 'thanks' or 'why not' asks nothing that a reply could miss
MAX_CONTRAST = 300
MAX_SEARCHED = 5_000  # prompts; each is compared with each


def demonstrations(rows: Iterable[Row]) -> list[Row]:
    """Return the chosen sides as demonstrations, each once."""
    unique = {hash_text(text_of(row["prompt"]), text_of(row["chosen"])): row for row in rows}
    return [{"prompt": row["prompt"], "completion": row["chosen"]} for row in unique.values()]


def prompts(rows: Iterable[Row]) -> list[Row]:
    """Return the prompts, each once, with an id made of its text."""
    unique = {prompt_id(row): row["prompt"] for row in rows}
    return [{"id": key, "prompt": prompt} for key, prompt in unique.items()]


def contrast(rows: list[Row]) -> list[Row]:
    """Return pairs of near prompts of different groups with the chosen side of each, the nearest first.

    Mined as the contrast instructions of Shen et al. 2023 (arXiv:2309.16155), by TF-IDF instead of sentence embeddings.
    Of more than `MAX_SEARCHED` prompts, those with the least hash of their text are searched and the others are not: a
    random sample, in which new rows displace few. Neighbours outside it stay unseen, so the nearest are less near.
    """
    rows = [row for row in rows if len(row["prompt"][-1]["content"].split()) >= MIN_WORDS]
    unique = {prompt_id(row): row for row in rows}
    searched = set(sorted(unique)[:MAX_SEARCHED])
    rows = [row for key, row in unique.items() if key in searched]
    if len(rows) < 2:
        return []
    found = {(-value, min(i, j), max(i, j)) for value, i, j in _near(rows) if _differ(rows[i], rows[j])}
    return [_item(rows[i], rows[j]) for _, i, j in sorted(found)[:MAX_CONTRAST]]


def _near(rows: list[Row]) -> list[tuple[float, int, int]]:
    """Return each row's near other rows and their similarity; what is compared is the last message of the prompt."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.neighbors import NearestNeighbors

    asked = [row["prompt"][-1]["content"] for row in rows]
    vectors = TfidfVectorizer(sublinear_tf=True, token_pattern=r"\S+").fit_transform(asked)
    search = NearestNeighbors(n_neighbors=min(NEIGHBOURS, len(rows) - 1), metric="cosine").fit(vectors)
    distances, places = search.kneighbors()
    pairs = [
        (round(1 - float(distance), 6), place, int(other))
        for place, found in enumerate(zip(distances, places, strict=True))
        for distance, other in zip(*found, strict=True)
    ]
    return [pair for pair in pairs if MIN_SIMILARITY <= pair[0] <= MAX_SIMILARITY]


def _differ(one: Row, other: Row) -> bool:
    return one["group"] != other["group"] and text_of(one["chosen"]) != text_of(other["chosen"])


def _item(one: Row, other: Row) -> Row:
    prompts_of = {"prompt": one["prompt"], "other_prompt": other["prompt"]}
    completions = {"completion": one["chosen"], "other_completion": other["chosen"]}
    return {"id": f"{one['id']}~{other['id']}", **prompts_of, **completions, "slice": "mined"}
