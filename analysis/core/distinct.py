"""Rows put together where they are equal, and running sums that begin again with every group. Arrays only.

What is counted (times, numbers of visits) has few distinct values beside the rows: sorted once, a table of them carries
everything that comes after, at a cost that does not know how many rows there were.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
WIDE = 4  # a table of counts may have that many cells a row before sorting is the better way


@dataclass(frozen=True, slots=True)
class Cells:
    """Distinct pairs of group and value, sorted by group, then value; T of them."""

    group: Ints  #: (T,)
    value: Floats  #: (T,)
    count: Ints  #: (marks, T) rows of each mark
    starts: Ints  #: (groups + 1,) first cell of each group, and T


def cells_of(
    values: Floats,
    *,
    mark: Ints | None = None,
    marks: int = 1,
    group: Ints | None = None,
    groups: int = 1,
    times: Ints | None = None,
) -> Cells:
    """Count rows by group, value and mark.

    Parameters
    ----------
    values : array (n,)
        Finite.
    mark : array (n,) of int, optional
        0..marks - 1, what kind of row it is; None: all are of one kind.
    group : array (n,) of int, optional
        0..groups - 1; None: all are one.
    times : array (n,) of int, optional
        How many rows each row stands for, at least 0; None: one.

    Notes
    -----
    Whole numbers that lie close are counted without any sorting; otherwise values are sorted once, and once more by group.

    Examples
    --------
    >>> found = cells_of(np.array([0.5, 2.0, 0.5]), mark=np.array([0, 1, 1]), marks=2)
    >>> found.value.tolist(), found.count.tolist()
    ([0.5, 2.0], [[1, 0], [1, 1]])
    """
    if times is not None:
        value, place = np.unique(values, return_inverse=True)
        where, at, count = _tallied(place, mark, marks, group, groups, times)
        value = value[at.astype(np.int64)]
    elif _close(values, groups * marks):
        low = values.min()
        where, value, count = _tallied(values - low, mark, marks, group, groups)
        value = value + low
    else:
        where, value, count = _sorted(values, mark, marks, group, groups)
    return Cells(where, value, count, np.searchsorted(where, np.arange(groups + 1)))


def _close(values: Floats, tables: int) -> bool:
    """Say whether values are whole numbers, and so close that a table of all of them is small beside the rows."""
    if not len(values):
        return False
    return bool(tables * (np.ptp(values) + 1) <= WIDE * len(values) and (values == np.floor(values)).all())


def _tallied(
    values: Floats | Ints, mark: Ints | None, marks: int, group: Ints | None, groups: int, times: Ints | None = None
) -> tuple[Ints, Floats, Ints]:
    """Give each whole number from 0 its place in a table, and keep the places that are taken."""
    span = int(values.max(initial=0)) + 1
    key = values.astype(np.int64) if group is None else values.astype(np.int64) + group * span
    if mark is not None:
        key *= marks
        key += mark
    table = np.rint(np.bincount(key, times, groups * span * marks)).astype(np.int64).reshape(-1, marks).T
    taken = np.flatnonzero(table.any(axis=0))
    where, value = np.divmod(taken, span)
    return where, value.astype(np.float64), table[:, taken]


def _sorted(
    values: Floats, mark: Ints | None, marks: int, group: Ints | None, groups: int
) -> tuple[Ints, Floats, Ints]:
    order = np.argsort(values)
    if group is not None:
        # few codes are sorted digit by digit, which costs little and keeps the order of the values
        codes = group[order].astype(np.min_scalar_type(groups))
        order = order[np.argsort(codes, kind="stable")]
    value = values[order]
    new = np.append(True, value[1:] != value[:-1])[: len(value)]
    where = np.zeros(len(value), np.int64) if group is None else group[order]
    if group is not None:
        new[1:] |= where[1:] != where[:-1]
    first = np.flatnonzero(new)
    often = np.zeros((marks, len(first)), np.int64)
    often[0] = np.diff(np.append(first, len(value)))
    if mark is not None and len(first):
        kind = mark.astype(np.int16)[order]
        for k in range(1, marks):
            often[k] = np.add.reduceat(kind == k, first, dtype=np.int64)
            often[0] -= often[k]
    return where[first], value[first], often


def running(values: Floats, starts: Ints, step: np.ufunc = np.add) -> Floats:
    """Accumulate within groups, each from its own beginning: no group's digits are lost to the sum of those before it.

    Groups of like length stand under each other in a matrix, which is accumulated along its rows.

    Parameters
    ----------
    values : array (n,)
        Group by group.
    starts : array (groups + 1,)
        First row of each group, and n.
    step : ufunc
        np.add or np.multiply.

    Examples
    --------
    >>> running(np.array([1.0, 2.0, 3.0, 4.0]), np.array([0, 2, 4])).tolist()
    [1.0, 3.0, 3.0, 7.0]
    """
    if len(starts) == 2:
        return np.asarray(step.accumulate(values))
    lengths = np.diff(starts)
    found = np.empty(len(values))
    for size in np.unique(np.frexp(lengths)[1][lengths > 0]):
        some = np.flatnonzero((np.frexp(lengths)[1] == size) & (lengths > 0))
        column = np.arange(lengths[some].max())
        inside = column < lengths[some][:, None]
        place = (starts[some][:, None] + column)[inside]
        table = np.full(inside.shape, float(step.identity))
        table[inside] = values[place]
        found[place] = step.accumulate(table, axis=1)[inside]
    return found
