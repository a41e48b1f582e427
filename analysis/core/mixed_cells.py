"""From n rows to the cell statistics of a mixed model, and where each of them stands in its equations.

Source: the level of each row in every random term, its slope columns, its row of [X y] and its weight. Nothing after this
sees a row again. Symbols of Bates, Machler, Bolker & Walker (2015), J. Statistical Software 67(1): Z'WZ, Z'W[X y].

Terms stand in the order of elimination, the one with most levels first. Those of the `chain` are removed level by level
(all that came before are nested in the next, so that no two levels of a term ever meet); what remains is the dense tail, unless
it is large and its levels seldom meet: then sets of them are removed in the same way first (`sparse_tail`).
Numbers of Z'WZ stand in one flat store: of each part of the chain its own blocks and its rows of what comes after, then the
tail. An elimination then is a weighted count into the store, and the way back is a weighted count out of it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from analysis.core import sparse_tail
from analysis.core.design import compact
from analysis.core.mixed_parts import Parts, Stage
from analysis.core.mixed_rows import ByCell, Full

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Sort = tuple[int, int]  # term, and which of the columns of a level
Where = Callable[[Sort, Sort], Ints]  # positions in the store of every cell's product of two columns
EVERY = slice(None)
SMALL = 300  # so many columns or fewer go to the dense tail at once
MOST_PAIRS = 30_000_000  # pairs of columns held in memory; above, a dense product is taken
PAIR = 30  # multiplications of a dense product in the time of one pair


@dataclass(frozen=True, slots=True)
class Term:
    """A random term: intercept and slopes of one factor."""

    codes: Ints  #: (n,) level of each row, 0..levels-1, all of them there
    levels: int
    uses: tuple[int, ...] = (0,)  #: columns of u; the first of u is the intercept's
    correlated: bool = True


@dataclass(frozen=True, slots=True)
class Layout:
    """Which numbers there are."""

    order: tuple[int, ...]  #: position of each term in the caller's order
    levels: tuple[int, ...]
    uses: tuple[tuple[int, ...], ...]
    correlated: tuple[bool, ...]
    starts: Ints  #: first column of each term, and the end
    cell: Ints  #: (n,) cell of each row: a combination of levels
    place: Ints  #: (C, K) level of each cell in every term
    parts: Parts
    products: tuple[tuple[int, int], ...]  #: columns of u that are multiplied
    fill: tuple[
        tuple[int, bool, Ints], ...
    ]  #: product, whether it stands for its transpose too, position of each cell's

    @property
    def dims(self) -> tuple[int, ...]:
        """Columns of each term's levels."""
        return tuple(len(u) for u in self.uses)

    @property
    def size(self) -> int:
        """Numbers in the store."""
        return self.parts.size

    @property
    def stages(self) -> tuple[Stage, ...]:
        """The parts removed level by level."""
        return self.parts.stages

    @property
    def chain(self) -> int:
        """Number of parts removed level by level."""
        return self.parts.chain

    def rows(self, k: int) -> slice:
        """Columns of a term."""
        return slice(int(self.starts[k]), int(self.starts[k + 1]))


@dataclass(frozen=True, slots=True)
class Moments:
    """All that a fit needs of n rows."""

    layout: Layout
    n: float  #: rows; or the sum of their weights, where a row of weight w counts as w rows
    store: Floats  #: Z'WZ
    products: Floats  #: (C, M) sums of w u_i u_j
    zx: Floats  #: (q, p + 1) Z'W[X y]
    xx: Floats  #: (p + 1, p + 1) [X y]'W[X y]
    count: Floats  #: (q,) rows of each column's level
    log_weights: float  #: sum of log w

    @property
    def p(self) -> int:
        """Number of fixed effects."""
        return len(self.xx) - 1

    @property
    def order(self) -> tuple[int, ...]:
        """Position of each term in the caller's order."""
        return self.layout.order

    @property
    def levels(self) -> tuple[int, ...]:
        """Levels of each term."""
        return self.layout.levels

    def zz_times(self, effects: Floats) -> Floats:
        """Multiply Z'WZ by a vector, (q,)."""
        layout, index = self.layout, {pair: m for m, pair in enumerate(self.layout.products)}
        by_use = _by_use(layout, effects)
        found = np.zeros(len(effects))
        for k, uses in enumerate(layout.uses):
            rows, d = layout.rows(k), len(uses)
            for a, i in enumerate(uses):
                of_cell = sum(self.products[:, index[min(i, j), max(i, j)]] * v for j, v in by_use.items())
                found[rows][a::d] = np.bincount(layout.place[:, k], of_cell, layout.levels[k])
        return found


def laid_out(terms: Sequence[Term]) -> Layout:
    """Find the cells, the order of elimination and every number's position.

    Raises
    ------
    TooLarge
        Where crossed factors meet so often that an evaluation does not go into memory (`sparse_tail`).
    """
    order = tuple(int(k) for k in np.argsort([-t.levels for t in terms], kind="stable"))
    some = [terms[k] for k in order]
    cell, place = _cells([t.codes for t in some], [t.levels for t in some])
    dims = np.array([len(t.uses) for t in some])
    starts = np.concatenate([[0], np.cumsum(np.array([t.levels for t in some]) * dims)]).astype(np.int64)
    levels, uses = tuple(t.levels for t in some), tuple(t.uses for t in some)
    stages, entries, size, tail = _stages(place, list(levels), dims, starts)
    positions = _Positions(place, stages, entries, starts, dims, tail)
    thin = sparse_tail.thinned(place, levels, dims, starts, stages)
    if thin is None:
        stages = tuple(positions.paired(s, e) for s, e in zip(stages, entries, strict=True))
        parts = Parts(tuple(range(len(some))), levels, tuple(map(int, dims)), starts, stages, size, tail, None)
        where: Where = positions.of
    else:
        parts, where = thin[0], positions.searched(thin[1])
    products = tuple(sorted({(min(i, j), max(i, j)) for one in uses for two in uses for i in one for j in two}))
    fill = tuple(_fill(uses, products, where))
    return Layout(order, levels, uses, tuple(t.correlated for t in some), starts, cell, place, parts, products, fill)


def collect(layout: Layout, y: Floats, x: Floats, u: Floats, weights: Floats | None) -> Moments:
    """Make the cell statistics of rows, each a cell by itself.

    Parameters
    ----------
    layout : Layout
        Of the same rows.
    y : (n,) float
        Outcome; centre it, so that r^2 keeps its digits.
    x : (n, p) float
        Fixed effects.
    u : (n, m) float
        Columns of the random terms, the first all ones.
    weights : (n,) float or None
        Precision weights above zero; None: all one.
    """
    return gathered(layout, Full(u, np.column_stack([x, y]), weights))


def gathered(layout: Layout, of: ByCell) -> Moments:
    """Make the cell statistics from products by cell."""
    cells = len(layout.place)

    def summed(values: Floats) -> Floats:
        return np.bincount(layout.cell, values, cells).astype(float)

    products = np.column_stack([summed(of.among_u(i, j)) for i, j in layout.products])
    store = np.zeros(layout.size)
    for m, _, at in layout.fill:
        store += np.bincount(at, products[:, m], layout.size)
    by_use = {i: [summed(column) for column in of.with_xy(i).T] for i in {i for t in layout.uses for i in t}}
    xx, people = of.among_xy(), summed(of.people())
    zx, count = np.empty((int(layout.starts[-1]), len(xx))), np.empty(int(layout.starts[-1]))
    for k, uses in enumerate(layout.uses):
        rows, d, at, q = layout.rows(k), len(uses), layout.place[:, k], layout.levels[k]
        count[rows] = np.repeat(np.bincount(at, people, q), d)
        for a, i in enumerate(uses):
            for j, column in enumerate(by_use[i]):
                zx[rows][a::d, j] = np.bincount(at, column, q)
    return Moments(layout, of.n, store, products, zx, xx, count, of.log_weights)


def counting(layout: Layout, y: Floats, x: Floats, u: Floats, weights: Floats) -> Moments:
    """As `collect`, but a row of weight w, at least 0, counts as w rows: what a pseudo-likelihood needs."""
    return as_rows(collect(layout, y, x, u, weights), float(weights.sum()))


def as_rows(moments: Moments, total: float) -> Moments:
    """The moments where a weight, all of them together `total`, says how many rows a row counts as."""
    return replace(moments, n=total, log_weights=0.0)


def through_rows(layout: Layout, u: Floats, store: Floats) -> Floats:
    """z_i' Q z_i of each row, (n,), for a store Q."""
    by_cell = np.zeros((len(layout.products), len(layout.place)))
    for m, twice, at in layout.fill:
        by_cell[m] += store[at] * (2 if twice else 1)
    found = np.zeros(len(layout.cell))
    for (i, j), values in zip(layout.products, by_cell, strict=True):
        found += values[layout.cell] * u[:, i] * u[:, j]
    return found


def z_times(layout: Layout, u: Floats, effects: Floats) -> Floats:
    """Z times a vector, (n,)."""
    return np.asarray(sum(u[:, j] * v[layout.cell] for j, v in _by_use(layout, effects).items()))


def turned_times(layout: Layout, u: Floats, values: Floats) -> Floats:
    """Z' times a vector over the rows, (q,)."""
    found = np.empty(int(layout.starts[-1]))
    by_use = {
        i: np.bincount(layout.cell, u[:, i] * values, len(layout.place)) for i in {i for t in layout.uses for i in t}
    }
    for k, uses in enumerate(layout.uses):
        for a, i in enumerate(uses):
            found[layout.rows(k)][a :: len(uses)] = np.bincount(layout.place[:, k], by_use[i], layout.levels[k])
    return found


def _by_use(layout: Layout, effects: Floats) -> dict[int, Floats]:
    """Of each column of u, the sum over terms of a cell's effects on it."""
    found: dict[int, Floats] = {}
    for k, uses in enumerate(layout.uses):
        own = effects[layout.rows(k)].reshape(layout.levels[k], len(uses))
        for a, i in enumerate(uses):
            found[i] = found.get(i, 0.0) + own[layout.place[:, k], a]
    return found


def _cells(codes: list[Ints], levels: list[int]) -> tuple[Ints, Ints]:
    """Cell of each row, and each cell's level in every term; a term in which all others are nested is a cell by itself."""
    cell, count = codes[0], levels[0]
    for code, size in zip(codes[1:], levels[1:], strict=True):
        if not (code[_someone(cell, count)][cell] == code).all():
            found, cell = compact(cell * size + code)
            count = len(found)
    first = _someone(cell, count)
    return cell, np.column_stack([code[first] for code in codes])


def _someone(cell: Ints, count: int) -> Ints:
    """A row of each cell."""
    found = np.empty(count, np.int64)
    found[cell] = np.arange(len(cell))
    return found


def _stages(
    place: Ints, levels: list[int], dims: Ints, starts: Ints
) -> tuple[tuple[Stage, ...], list[_Entries], int, slice]:
    """Terms of the chain without their pairs, their entries, the size of the store and the tail's part of it."""
    stages, entries, at = [], [], 0
    for j in range(_chain(place, levels, dims)):
        entries.append(_entries(place, levels, dims, j))
        level, column = entries[-1].level, starts[entries[-1].term] + entries[-1].column
        stages.append(Stage.at(at, level, column, (levels[j], int(dims[j]))))
        at = stages[-1].after
    r = int(starts[-1] - starts[len(stages)])
    return tuple(stages), entries, at + r * r, slice(at, at + r * r)


def _chain(place: Ints, levels: list[int], dims: Ints) -> int:
    count, columns = 1, np.array(levels) * dims
    while (
        count < len(levels)
        and columns[count:].sum() > SMALL
        and all(_nested(place[:, a], place[:, count], levels[a]) for a in range(count))
    ):
        count += 1
    return count


def _nested(inner: Ints, outer: Ints, count: int) -> bool:
    return bool((outer[_someone(inner, count)][inner] == outer).all())


@dataclass(frozen=True, slots=True)
class _Entries:
    """Numbers to the right of a term's blocks, level by level, and the cells that they come from."""

    level: Ints  #: (E,)
    term: Ints  #: (E,) the later term
    column: Ints  #: (E,) among the columns of that term
    cell: Ints  #: (E,) one of the cells
    first: Ints  #: (C, K) of each cell and later term, the entry of its first column


def _entries(place: Ints, levels: list[int], dims: Ints, j: int) -> _Entries:
    parts, numbers, count = [np.zeros((4, 0), np.int64)], {}, 0
    for k in range(j + 1, len(levels)):
        found, number = compact(place[:, j] * levels[k] + place[:, k])
        own, other = np.divmod(found, levels[k])
        d = int(dims[k])
        column = (other[:, None] * d + np.arange(d)).ravel()
        cell = np.repeat(_someone(number, len(found)), d)
        parts.append(np.stack([np.repeat(own, d), np.full(len(column), k), column, cell]))
        numbers[k], count = count + number * d, count + len(column)
    every = np.concatenate(parts, axis=1)
    by_level = np.argsort(every[0], kind="stable")
    rank, first = np.empty(count, np.int64), np.zeros(place.shape, np.int64)
    rank[by_level] = np.arange(count)
    for k, number in numbers.items():
        first[:, k] = rank[number]
    level, term, column, cell = every[:, by_level]
    return _Entries(level, term, column, cell, first)


@dataclass(frozen=True, slots=True)
class _Positions:
    """Where the product of two columns stands in the store: told by a cell in which they meet, so that nothing is searched."""

    place: Ints
    stages: tuple[Stage, ...]
    entries: list[_Entries]
    starts: Ints
    dims: Ints
    tail: slice

    def of(self, one: Sort, two: Sort, cells: Ints | slice = EVERY) -> Ints:
        """Positions of products of two columns of cells; both of the tail: row by column."""
        (k, a), (h, b) = (one, two) if one[0] <= two[0] or two[0] >= len(self.stages) else (two, one)
        if k >= len(self.stages):
            first = int(self.starts[len(self.stages)])
            r = int(self.starts[-1]) - first
            return self.tail.start + (self._column(k, a, cells) - first) * r + self._column(h, b, cells) - first
        if k == h:
            d = int(self.dims[k])
            return self.stages[k].own.start + (self.place[cells, k] * d + a) * d + b
        stage, entries = self.stages[k], self.entries[k]
        return stage.right.start + a * len(stage.level) + entries.first[cells, h] + b

    def searched(self, of: Callable[[Ints, Ints], Ints]) -> Where:
        """The same in a store of other parts, where pairs of columns are looked up."""
        return lambda one, two: of(self._column(*one), self._column(*two))

    def _column(self, k: int, a: int, cells: Ints | slice = EVERY) -> Ints:
        return self.starts[k] + self.place[cells, k] * self.dims[k] + a

    def paired(self, stage: Stage, entries: _Entries) -> Stage:
        """The stage with the pairs of its entries, if they are not too many.

        Products are symmetric, so that each pair is there once: the columns of a level ascend, and so only what is on or above
        the diagonal of later blocks and of the tail is counted.
        """
        counts, first = np.diff(stage.indptr), int(self.starts[len(self.stages)])
        pairs, r = float((counts.astype(float) ** 2).sum()), int(self.starts[-1]) - first
        last = stage is self.stages[-1]
        if last and (pairs > MOST_PAIRS or pairs * PAIR > len(counts) * float(r) ** 2):
            return stage
        left, other, same = stage.couples()
        return replace(stage, pairs=(left, other, self._targets(stage, entries, left, other) - stage.after, same))

    def _targets(self, stage: Stage, entries: _Entries, left: Ints, other: Ints) -> Ints:
        """Positions of products of entries; those of a later term of the chain by the cell of the one that stands after it."""
        first = int(self.starts[len(self.stages)])
        inside, r = stage.column - first, int(self.starts[-1]) - first
        found = self.tail.start + inside.take(left) * r + inside.take(other)
        if stage is self.stages[-1]:
            return found
        sort = np.cumsum(np.append(0, self.dims))[entries.term] + entries.column % self.dims[entries.term]
        sorts = [(k, a) for k in range(len(self.dims)) for a in range(int(self.dims[k]))]
        sort_left, sort_other = sort.take(left), sort.take(other)
        for m, one in enumerate(sorts):
            for h, two in enumerate(sorts):
                if min(one[0], two[0]) < len(self.stages):
                    mine = np.flatnonzero((sort_left == m) & (sort_other == h))
                    later = left if one[0] > two[0] else other
                    found[mine] = self.of(one, two, entries.cell[later[mine]])
        return found


def _fill(
    uses: tuple[tuple[int, ...], ...], products: tuple[tuple[int, int], ...], where: Where
) -> list[tuple[int, bool, Ints]]:
    """Product and positions of every number of Z'WZ that a cell adds to; what is above the diagonal stands for both."""
    index, found = {pair: m for m, pair in enumerate(products)}, []
    for k, one in enumerate(uses):
        for h in range(k, len(uses)):
            for a, i in enumerate(one):
                for b, j in enumerate(uses[h]):
                    found.append((index[min(i, j), max(i, j)], h != k, where((k, a), (h, b))))
    return found
