"""Domains of prompts, and by how much shares differ between one domain and all other pairs."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from rlhf_pipeline.validation.checks._resampling import Floats, resampled_sums

NUM_WORDS = 3
"""Of a domain's name."""
NO_WORDS = "no words"


class Contrasts(NamedTuple):
    """M shares in each of D domains and among all other pairs; NaN where there are none."""

    inside: Floats
    """[D, M]."""
    elsewhere: Floats
    """[D, M]."""
    counts: Floats
    """[D, M] pairs of the domain that count in a share."""
    others: Floats
    """[D, M] other pairs that do."""
    error: Floats
    """[D, M] standard error of `inside`."""
    difference_error: Floats
    """[D, M] standard error of `inside - elsewhere`."""

    @property
    def difference(self) -> Floats:
        """Return by how much the domain's shares are higher, [D, M]."""
        return self.inside - self.elsewhere


def find_domains(prompts: Sequence[str], most: int, seed: int) -> list[str]:
    """Return the domain of each prompt: clusters (k-means) of their words (TF-IDF), named by their heaviest words.

    Words that English uses everywhere do not count: they tell how something is asked, not of what.

    Args:
        prompts: [N] texts.
        most: number of domains; fewer where there are fewer different prompts.
        seed: of the clusters' start.
    """
    from sklearn.cluster import KMeans
    from sklearn.feature_extraction.text import TfidfVectorizer

    vectorizer = TfidfVectorizer(stop_words="english", sublinear_tf=True)
    try:
        vectors = vectorizer.fit_transform(prompts).tocsr()
    except ValueError:  # no words at all
        return [NO_WORDS] * len(prompts)
    bounds = list(zip(vectors.indptr[:-1], vectors.indptr[1:], strict=True))
    different = {(vectors.indices[a:b].tobytes(), vectors.data[a:b].tobytes()) for a, b in bounds}
    clusters = KMeans(min(most, len(different)), random_state=seed, n_init=4).fit(vectors)
    names = _names(clusters.cluster_centers_, vectorizer.get_feature_names_out().tolist())
    return [names[number] for number in clusters.labels_]


def _names(centres: Floats, words: Sequence[str]) -> list[str]:
    names: list[str] = []
    for centre in centres:
        heaviest = np.argsort(-centre, kind="stable")[:NUM_WORDS]
        name = ", ".join(words[i] for i in heaviest if centre[i] > 0) or NO_WORDS
        names.append(name if name not in names else f"{name} ({len(names) + 1})")
    return names


def contrast(counted: Floats, of: Floats, domains: NDArray[np.bool_], clusters: Sequence[str], seed: int) -> Contrasts:
    """Return shares inside and outside each domain, with errors from a bootstrap of whole clusters.

    No error is less than that of a domain whose pairs vary as all pairs do: a small domain in which nothing went wrong
    would else seem sure to be unlike the others.

    Args:
        counted: [N, M] what each pair adds above the line.
        of: [N, M] what it adds below, >= 0; `counted` lies between it and its negative.
        domains: [N, D] which pairs are in a domain; a pair may be in several or in none.
        clusters: [N] names.
        seed: of the resampling.
    """
    num_domains, width = domains.shape[1], counted.shape[1]
    both = np.concatenate([counted, of], axis=1)
    columns = np.concatenate([(domains[:, :, None] * both[:, None, :]).reshape(len(both), -1), both], axis=1)
    total, draws = resampled_sums(columns, clusters, seed)

    def split(sums: Floats) -> tuple[Floats, Floats]:
        own = sums[:, : -2 * width].reshape(-1, num_domains, 2 * width)
        return own, sums[:, None, -2 * width :] - own

    def share(sums: Floats) -> Floats:
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray(sums[..., :width] / sums[..., width:])

    own, rest = (sums[0] for sums in split(total[None]))
    drawn, drawn_elsewhere = map(share, split(draws))
    least, least_elsewhere = (_pooled_variance(counted, of) / _no_zero(sums[:, width:]) for sums in (own, rest))
    error = np.maximum(_spread(drawn), np.sqrt(least))
    difference_error = np.maximum(_spread(drawn - drawn_elsewhere), np.sqrt(least + least_elsewhere))
    counts = domains.T.astype(float) @ (of > 0)
    return Contrasts(share(own), share(rest), counts, (of > 0).sum(axis=0) - counts, error, difference_error)


def _pooled_variance(counted: Floats, of: Floats) -> Floats:
    """Return the variance of each share over all pairs, times the sum that it is of; [M]."""
    whole = _no_zero(of.sum(axis=0))
    return np.asarray(np.square(counted - counted.sum(axis=0) / whole * of).sum(axis=0) / whole)


def _no_zero(sums: Floats) -> Floats:
    return np.where(sums > 0, sums, 1.0)


def _spread(draws: Floats) -> Floats:
    """Return the standard deviation over [R, D, M] resamples, of those that have the share; [D, M]."""
    has = np.isfinite(draws)
    num, filled = has.sum(axis=0).clip(1), np.where(has, draws, 0.0)
    mean = filled.sum(axis=0) / num
    return np.asarray(np.sqrt((np.where(has, draws - mean, 0.0) ** 2).sum(axis=0) / num))
