"""From n rows to sums by cell: all that a linear mixed model has to know of them, in one pass over each column.

Source: the level of each row in every factor, random or fixed, its numbers (covariates, products of covariates, the outcome) and
its weight. A cell is a combination of levels that occurs. Within one, every column of the model is a straight line in one of the
numbers: an indicator is flat, a covariate has slope 1, an indicator times a covariate has slope 1 or 0. So cross-products of any
columns follow from counts, sums and sums of products by cell, and no column is ever laid out over the rows.

Numbers are kept less their means: what is summed is then as large as what it tells, and no digits are lost in differences.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from analysis.core.design import counters

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
MOST = 2.0**60  # combinations that a whole number can tell apart
BLOCK = 2**16  # rows summed at once, so that what is made of them stays in the processor's cache


@dataclass(frozen=True, slots=True)
class Lines:
    """Columns of a model, each a line in one number within a cell: level + slope times the number."""

    number: Ints  #: (p,) which number; -1 where there is none
    level: Floats  #: (C, p)
    slope: Floats  #: (C, p), 0 where there is no number

    def beside(self, number: int) -> Lines:
        """The same and a last column that is a number as it is."""
        one = np.ones((len(self.level), 1))
        return Lines(np.append(self.number, number), np.hstack([self.level, 0 * one]), np.hstack([self.slope, one]))


@dataclass(frozen=True, slots=True)
class Cells:
    """Rows sorted into cells."""

    key: NDArray[Any]  #: (n,) a whole number below `size` that stands for the row's cell
    keys: Ints  #: (C,) those that occur, in ascending order: the cells
    size: int
    count: Ints  #: (C,) rows of each cell

    def of_rows(self) -> Ints:
        """Cell of each row, (n,)."""
        place = np.empty(self.size, np.int64)
        place[self.keys] = np.arange(len(self.keys))
        return place.take(self.key)


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows: their cells and their numbers."""

    cells: Cells
    numbers: tuple[Floats, ...]  #: (n,) each, as it is
    means: Floats  #: (V,) of the numbers; they are subtracted before anything is summed

    def sums(self, weights: Floats | None, within: Collection[int] = ()) -> Sums:
        """Add up, a block of rows at a time.

        Parameters
        ----------
        weights : (n,) float, at least 0, or None
            None: all one.
        within : collection of int
            Numbers that some column has a slope of other than 1 in: their products are added up by cell.
        """
        cells, many = self.cells, len(self.numbers)
        n, pairs = len(cells.key), [(i, j) for i in range(many) for j in range(i, many)]
        asked: list[tuple[int, ...]] = [p for p in pairs if p[0] in within or p[1] in within]
        asked += [(i,) for i in range(many)] + ([] if weights is None else [()])
        totals, whole = {what: np.zeros(cells.size) for what in asked}, np.zeros((many, many))
        for rows in _blocks(n, cells.size):
            w, key = None if weights is None else weights[rows], cells.key[rows]
            values = [self.centred(k, rows) for k in range(many)]
            for what, total in totals.items():
                total += np.bincount(key, _product(values, what, w), cells.size)
            for i, j in pairs:
                if (i, j) not in totals:
                    whole[i, j] += _product(values, (i,), w) @ values[j]
        found = {what: total.take(cells.keys) for what, total in totals.items()}
        return _sums(cells, found, whole, weights)

    def centred(self, k: int, rows: slice = slice(None)) -> Floats:
        """A number less its mean."""
        return self.numbers[k][rows] - self.means[k]

    def laid_out(self, lines: Lines) -> Floats:
        """The columns themselves, (n, p): for what cannot be had of sums."""
        cell = self.cells.of_rows()
        found = lines.level[cell]
        for j in np.flatnonzero(lines.number >= 0):
            found[:, j] += lines.slope[cell, j] * self.centred(int(lines.number[j]))
        return found


@dataclass(frozen=True, slots=True)
class Sums:
    """Sums over the rows of each of C cells, w a row's weight, v its V numbers."""

    n: int  #: rows
    count: Ints  #: (C,) rows
    weight: Floats  #: (C,) of w
    first: Floats  #: (C, V) of w v
    second: Mapping[tuple[int, int], Floats]  #: (C,) of w v_i v_j, i <= j, where it was asked for by cell
    whole: Floats  #: (V, V) of w v v' over all rows
    log_weights: float  #: of log w over all rows

    def against(self, one: Lines, i: int, two: Lines) -> Floats:
        """Column i of some times every column of others, by cell, (C, p)."""
        level, slope, number = one.level[:, i, None], one.slope[:, i, None], int(one.number[i])
        found = level * (self.weight[:, None] * two.level + self._of(self.first, two))
        if number < 0:
            return found
        several = range(self.first.shape[1])
        products = [self.second[min(number, j), max(number, j)] for j in several]
        return found + slope * (self.first[:, number, None] * two.level + self._of(np.column_stack(products), two))

    def cross(self, lines: Lines) -> Floats:
        """Cross-products of columns over all rows, (p, p)."""
        half = lines.level.T @ self._of(self.first, lines)
        found = lines.level.T @ (self.weight[:, None] * lines.level) + half + half.T
        for i in range(len(self.whole)):
            for j in range(len(self.whole)):
                block = np.ix_(lines.number == i, lines.number == j)
                found[block] += self._sloped(i, j, lines.slope[:, lines.number == i], lines.slope[:, lines.number == j])
        return found

    def _sloped(self, i: int, j: int, one: Floats, two: Floats) -> Floats:
        """Products of two numbers times slopes in them; slopes are 1 where the products were not added up by cell."""
        by_cell = self.second.get((min(i, j), max(i, j)))
        return self.whole[i, j] if by_cell is None else one.T @ (by_cell[:, None] * two)

    def _of(self, sums: Floats, lines: Lines) -> Floats:
        """The slopes times the sums of their numbers, (C, p)."""
        return lines.slope * sums[:, lines.number] if sums.shape[1] else np.zeros(lines.slope.shape)


class ByCell(Protocol):
    """Products of the columns of a model, of each cell that a layout was made of."""

    @property
    def n(self) -> int: ...

    @property
    def log_weights(self) -> float: ...

    def people(self) -> Floats: ...

    def among_u(self, i: int, j: int) -> Floats: ...

    def with_xy(self, i: int) -> Floats: ...

    def among_xy(self) -> Floats: ...


@dataclass(frozen=True, slots=True)
class Products:
    """Products of the columns of a model, by cell; where rows were added up."""

    sums: Sums
    xy: Lines  #: fixed columns, and the outcome last
    u: Lines  #: columns of the random terms

    @property
    def n(self) -> int:
        """Rows."""
        return self.sums.n

    @property
    def log_weights(self) -> float:
        """Sum of log w."""
        return self.sums.log_weights

    def people(self) -> Floats:
        """Rows of each cell, (C,)."""
        return self.sums.count.astype(float)

    def among_u(self, i: int, j: int) -> Floats:
        """w u_i u_j, (C,)."""
        return self.sums.against(self.u, i, self.u)[:, j]

    def with_xy(self, i: int) -> Floats:
        """w u_i [x y], (C, p + 1)."""
        return self.sums.against(self.u, i, self.xy)

    def among_xy(self) -> Floats:
        """[X y]'W[X y], (p + 1, p + 1)."""
        return self.sums.cross(self.xy)


@dataclass(frozen=True, slots=True)
class Full:
    """Products where every row is a cell by itself."""

    u: Floats  #: (n, m)
    xy: Floats  #: (n, p + 1)
    weights: Floats | None

    @property
    def n(self) -> int:
        """Rows."""
        return len(self.xy)

    @property
    def log_weights(self) -> float:
        """Sum of log w."""
        with np.errstate(divide="ignore"):
            return 0.0 if self.weights is None else float(np.log(self.weights).sum())

    def people(self) -> Floats:
        """Rows of each cell, (n,)."""
        return np.ones(self.n)

    def among_u(self, i: int, j: int) -> Floats:
        """w u_i u_j, (n,)."""
        found = self.u[:, i] * self.u[:, j]
        return found if self.weights is None else self.weights * found

    def with_xy(self, i: int) -> Floats:
        """w u_i [x y], (n, p + 1)."""
        one = self.u[:, i] if self.weights is None else self.weights * self.u[:, i]
        return one[:, None] * self.xy

    def among_xy(self) -> Floats:
        """[X y]'W[X y], (p + 1, p + 1)."""
        return (self.xy if self.weights is None else self.weights[:, None] * self.xy).T @ self.xy


def sorted_into_cells(codes: Sequence[NDArray[Any]], sizes: Sequence[int]) -> tuple[Cells, list[Ints]]:
    """Sort rows into cells.

    Parameters
    ----------
    codes : one (n,) int array a factor
        Levels, 0..size-1.
    sizes : one int a factor
        Numbers of levels, at least 1.

    Returns
    -------
    Cells, list of (C,) int
        And the level of each cell in every factor.
    """
    if len(codes) > 2 and np.prod(np.array(sizes, float)) > MOST:  # of two, both are at most n
        return _by_halves(codes, sizes)
    size = int(np.prod(np.array(sizes, np.int64)))
    key: NDArray[Any] = codes[0].astype(np.int32 if size < 2**31 else np.int64)
    for code, base in zip(codes[1:], sizes[1:], strict=True):
        key *= base
        key += code
    if size > counters(len(key)):
        found, key, count = np.unique(key, return_inverse=True, return_counts=True)
        keys, size = np.arange(len(found)), max(len(found), 1)
    else:
        counts = _counted(key, size)
        found = keys = np.flatnonzero(counts)
        count = counts[keys]
    parts: list[Ints] = [np.asarray(p, np.int64) for p in np.unravel_index(found, tuple(sizes))]
    return Cells(key, keys, size, count), parts


def _counted(key: NDArray[Any], size: int) -> Ints:
    found = np.zeros(size, np.int64)
    for rows in _blocks(len(key), size):
        found += np.bincount(key[rows], minlength=size)
    return found


def _blocks(n: int, size: int) -> Iterator[slice]:
    """Blocks of rows, larger where there are many cells to be added to."""
    step = max(BLOCK, 2 * size)
    return (slice(at, at + step) for at in range(0, n, step))


def _by_halves(codes: Sequence[NDArray[Any]], sizes: Sequence[int]) -> tuple[Cells, list[Ints]]:
    """The same for more combinations than a whole number holds: of those that occur, first in each half of the factors."""
    middle = len(codes) // 2
    one, left = sorted_into_cells(codes[:middle], sizes[:middle])
    two, right = sorted_into_cells(codes[middle:], sizes[middle:])
    counts = [max(len(half.keys), 1) for half in (one, two)]
    cells, (at, other) = sorted_into_cells([one.of_rows(), two.of_rows()], counts)
    return cells, [*(p[at] for p in left), *(p[other] for p in right)]


def _product(values: list[Floats], which: tuple[int, ...], weights: Floats | None) -> Floats:
    """Product of some numbers and the weights; of one factor at least."""
    found = weights
    for k in which:
        found = values[k] if found is None else found * values[k]
    assert found is not None
    return found


def _sums(cells: Cells, found: Mapping[tuple[int, ...], Floats], whole: Floats, weights: Floats | None) -> Sums:
    whole = whole + np.triu(whole, 1).T
    second = {(w[0], w[1]): v for w, v in found.items() if len(w) == 2}
    for (i, j), by_cell in second.items():
        whole[i, j] = whole[j, i] = by_cell.sum()
    first = np.empty((len(cells.keys), len(whole)))
    for i in range(len(whole)):
        first[:, i] = found[i,]
    with np.errstate(divide="ignore"):
        logs = 0.0 if weights is None else float(np.log(weights).sum())
    weight = cells.count.astype(float) if weights is None else found[()]
    return Sums(len(cells.key), cells.count, weight, first, second, whole, logs)
