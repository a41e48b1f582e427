"""Which of many sets of people are nearly the same: they differ by one person, or by few."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array, csr_array

Ints = NDArray[np.int64]
_WIDTH = 2_000  # sets compared at a time


def near_pairs(first: csr_array, second: csr_array | None, person: Ints, difference: int) -> Ints:
    """Find the pairs of sets whose people differ by 1 to ``difference`` - 1.

    Parameters
    ----------
    first : sparse (sets, rows) of 1
        Which rows are in each set; every set has rows.
    second : sparse (other sets, rows) of 1, or None
        What they are held against; None: one another, each pair once.
    person : (rows,) int from 0
        Whose each row is: a person may have several.
    difference : int
        From which on a difference is large.

    Returns
    -------
    (pairs, 2) int
        Places in ``first`` and ``second``, in order. Two sets without a common row are no pair: both are told of by themselves.

    Notes
    -----
    The symmetric difference of A and B has ``|A| + |B| - 2 |A n B|`` rows, all intersections from one sparse product. Its people
    are counted one by one only where it has few enough rows to be of few people.

    Examples
    --------
    >>> sets = csr_array(np.array([[1, 1, 1, 0], [1, 1, 1, 1], [0, 0, 1, 1]]))
    >>> near_pairs(sets, None, np.arange(4), 2).tolist()
    [[0, 1]]
    """
    other = first if second is None else second
    most = int(np.bincount(person).max(initial=1))
    found = [np.empty((0, 2), dtype=np.int64)]
    for start, both, apart in _apart(first, other):
        a, b = both.row.astype(np.int64) + start, both.col.astype(np.int64)
        few = (apart > 0) & (apart < difference * most)
        few &= (a < b) if second is None else True
        found.append(
            np.stack([a[few], b[few]], axis=1)[_of_few(first, other, person, (a[few], b[few], apart[few]), difference)]
        )
    pairs = np.concatenate(found)
    return pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))]


def _apart(first: csr_array, other: csr_array) -> Iterator[tuple[int, coo_array, Ints]]:
    """Rows in which sets differ that have one in common: the first set's number from which on, the pairs, how many."""
    turned = other.T.tocsr().astype(np.int32)
    mine, theirs = np.diff(first.indptr), np.diff(other.indptr)
    for start in range(0, first.shape[0], _WIDTH):
        both = (first[start : start + _WIDTH].astype(np.int32) @ turned).tocoo()
        yield start, both, mine[both.row + start] + theirs[both.col] - 2 * both.data


def _of_few(
    first: csr_array, other: csr_array, person: Ints, pairs: tuple[Ints, Ints, Ints], difference: int
) -> NDArray[np.bool_]:
    """Which pairs differ by few people; those of few rows are, others may be of people with many rows each."""
    a, b, apart = pairs
    sure = apart < difference
    if sure.all():
        return sure
    own = csr_array((np.ones(len(person), np.int32), (np.arange(len(person)), person)))
    mine, theirs = ((m.astype(np.int32) @ own) for m in (first, other))
    for one in (mine, theirs):
        one.data[:] = 1
    # who is in one of them alone counts in any case
    doubtful = np.flatnonzero(~sure)
    both = np.asarray(mine[a[doubtful]].multiply(theirs[b[doubtful]]).sum(axis=1))
    alone = np.diff(mine.indptr)[a[doubtful]] + np.diff(theirs.indptr)[b[doubtful]] - 2 * both
    for at in doubtful[alone < difference]:
        rows = np.setxor1d(_row(first, a[at]), _row(other, b[at]), assume_unique=True)
        sure[at] = len(np.unique(person[rows])) < difference
    return sure


def _row(sets: csr_array, at: int) -> NDArray[np.integer]:
    return sets.indices[sets.indptr[at] : sets.indptr[at + 1]]
