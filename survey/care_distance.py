"""The arithmetic of `survey.care.mahalanobis`: squared distances where each row has answered items of its own."""

from __future__ import annotations

import numpy as np
import pandas as pd

SMALLEST = 1e-10  # of the largest eigenvalue, times the number of items: what counts as nought
AT_ONCE = 10_000_000  # numbers held at one time


def squared_distances(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Squared distance of each row from the mean by its answered items, and the rank of their covariances.

    Parameters
    ----------
    x : array, shape (n, k)
        NaN = missing.

    Returns
    -------
    tuple of array
        Distances (float; NaN where the rank is 0) and ranks (int64), each of shape (n,).
    """
    varies = [np.nanmax(column) > np.nanmin(column) if np.isfinite(column).any() else False for column in x.T]
    x = x[:, np.array(varies, bool)]
    if not x.shape[1]:
        return np.full(len(x), np.nan), np.zeros(len(x), np.int64)
    covariances = pd.DataFrame(x).cov().fillna(0.0).to_numpy()
    # In units of each item's deviation, which changes no distance, so that what counts as nought is the same for all items.
    deviations = np.sqrt(np.diag(covariances))
    known = np.isfinite(x)
    rest = np.where(known, (x - np.nanmean(x, axis=0)) / deviations, 0.0)
    together = covariances / np.outer(deviations, deviations)
    values, vectors = np.linalg.eigh(together)
    if values[0] > _nought(values):
        inverse = (vectors / values) @ vectors.T
        distances, ranks = _by_inverse(rest, known, inverse), known.sum(axis=1)
    else:
        distances, ranks = _by_pattern(rest, known, (vectors * np.maximum(values, 0)) @ vectors.T)
    return np.where(ranks > 0, distances, np.nan), ranks


def _by_inverse(rest: np.ndarray, known: np.ndarray, inverse: np.ndarray) -> np.ndarray:
    """Distances by the whole inverse P, less what the missing items m would add.

    The inverse of the block of the answered items o is ``P_oo - P_om inverse(P_mm) P_mo``: of each row only a system as large as
    its number of missing items is solved, many rows at once, whatever the patterns.
    """
    towards = rest @ inverse
    distances = (rest * towards).sum(axis=1)
    missing = (~known).sum(axis=1)
    for m in np.unique(missing[(missing > 0) & (missing < known.shape[1])]):
        rows = np.flatnonzero(missing == m)
        for some in np.array_split(rows, -(-len(rows) * int(m) ** 2 // AT_ONCE)):
            at = np.nonzero(~known[some])[1].reshape(len(some), m)
            block, side = inverse[at[:, :, None], at[:, None, :]], np.take_along_axis(towards[some], at, axis=1)
            distances[some] -= (side * np.linalg.solve(block, side[:, :, None])[:, :, 0]).sum(axis=1)
    return np.maximum(distances, 0.0)


def _by_pattern(rest: np.ndarray, known: np.ndarray, together: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Distances by a generalised inverse for each pattern of answered items."""
    distances, ranks = np.zeros(len(rest)), np.zeros(len(rest), np.int64)
    patterns, which = np.unique(known, axis=0, return_inverse=True)
    ordered = np.argsort(which.ravel(), kind="stable")
    ends = np.cumsum(np.bincount(which.ravel()))[:-1]
    for pattern, rows in zip(patterns, np.split(ordered, ends), strict=True):
        values, vectors = np.linalg.eigh(together[np.ix_(pattern, pattern)])
        able = values > _nought(values) if len(values) else np.zeros(0, bool)
        along = rest[np.ix_(rows, pattern)] @ vectors[:, able]
        distances[rows], ranks[rows] = (along**2 / values[able]).sum(axis=1), able.sum()
    return distances, ranks


def _nought(values: np.ndarray) -> float:
    return SMALLEST * len(values) * float(values[-1])
