"""Where crossed factors have so many levels that what is left after the chain is thin: take levels out that meet few others.

Source: which levels meet. A set of levels of one term, no two of which meet, is removed together as a term of the chain is;
what they met then meets each other. The next set is among those that meet fewest (minimum degree with several at a time:
Liu 1985, ACM Trans. Math. Software 11; sets by random priorities: Luby 1986, SIAM J. Computing 15). Once the levels that
are left meet so many of each other that whole rows cost less, the rest is dense. Nothing is approximated.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from analysis.core.mixed_parts import Parts, Stage

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
FROM = 1000  # columns of the tail from which on it is looked at
SHARE = 15  # a level that meets more than this part of the columns left is cheaper in a dense product
WORTH = 2e7  # a set of n levels pays for its calls where n times the square of the columns left is above
SLACK = 1.3  # levels of a set meet at most this many times as many as the one with fewest
LEAST = 0.1  # or are of this share of those that meet fewest
MOST_PAIRS = 30_000_000  # pairs of columns that the chain's levels bring together; above, nothing is looked at
MOST_BYTES = 6e9  # of an evaluation: six matrices of the tail, and the pairs
SETS = 200


class TooLarge(ValueError):
    """The equations of a model do not go into memory; the message says by how much."""

    def __init__(self, levels: tuple[int, ...], equations: int, needed: float) -> None:
        self.why = (
            f"meet so often that {equations:,} equations hang together: about {needed / 1e9:,.0f} GB of memory, of at most"
            f" {MOST_BYTES / 1e9:,.0f}; put levels together, leave a factor out, or fit a part of the rows"
        )
        super().__init__(f"crossed factors of {' x '.join(f'{q:,}' for q in levels)} levels {self.why}")


@dataclass(frozen=True, slots=True)
class Piece:
    """Levels of one term that do not meet, and what each of them meets later."""

    term: int
    nodes: Ints  #: (n,)
    level: Ints  #: (E,) 0..n-1, in ascending order
    met: Ints  #: (E,) nodes


@dataclass(frozen=True, slots=True)
class Places:
    """Where the product of two columns stands in the store."""

    parts: Parts
    inverse: Ints  #: (q,) place of each column of Z
    keys: Ints  #: of all entries, ascending: level among all of the stages times the number of columns, plus place
    level: Ints  #: first level of each stage among all
    entry: Ints  #: first entry of each stage among all

    def of(self, one: Ints, two: Ints) -> Ints:
        """Positions of pairs of columns of Z, in either order; both of the tail: row by column."""
        return self.at(self.inverse[one], self.inverse[two])

    def at(self, one: Ints, two: Ints) -> Ints:
        """Positions of pairs of places."""
        parts = self.parts
        first, end = int(parts.starts[parts.chain]), int(parts.starts[-1])
        low, high = np.minimum(one, two), np.maximum(one, two)
        found = parts.tail.start + (one - first) * (end - first) + (two - first)
        mine = np.flatnonzero(low < first)
        low, high, one, two = low[mine], high[mine], one[mine], two[mine]
        k = np.searchsorted(parts.starts, low, side="right") - 1
        of_part = np.array([(s.own.start, s.right.start, len(s.level)) for s in parts.stages], np.int64)
        (own, right, entries), start, d = of_part[k].T, parts.starts[k], np.array(parts.dims)[k]
        level, a = np.divmod(low - start, d)
        entry = np.searchsorted(self.keys, (self.level[k] + level) * end + high) - self.entry[k]
        inside = own + (level * d + (one - start) % d) * d + (two - start) % d
        found[mine] = np.where(high < start + (level + 1) * d, inside, right + a * entries + entry)
        return found


def thinned(
    place: Ints, levels: tuple[int, ...], dims: Ints, starts: Ints, chain: tuple[Stage, ...]
) -> tuple[Parts, Callable[[Ints, Ints], Ints]] | None:
    """Parts with sets of the tail's levels, and the positions of pairs of columns; None where the tail is dense at once.

    Parameters
    ----------
    place : (C, K) int
        Level of each cell in every term.
    starts : (K + 1,) int
        First column of each term, and the end.
    chain : tuple of Stage
        Whole terms that are removed first, without pairs.

    Raises
    ------
    TooLarge
        When even so an evaluation needs more than `MOST_BYTES`.
    """
    c, r = len(chain), int(starts[-1] - starts[len(chain)])
    if r <= FROM:
        return None
    term = np.repeat(np.arange(c, len(levels)), levels[c:])
    first = np.concatenate([[0], np.cumsum(levels[c:])]).astype(np.int64)
    node = place[:, c:] + first[:-1]
    shape = levels[c - 1], len(term)
    where = np.repeat(place[:, c - 1], node.shape[1]), node.ravel()
    rows = sparse.coo_array((np.ones(node.size, np.float32), where), shape=shape).tocsr()
    together = float((np.diff(rows.indptr).astype(float) ** 2).sum())
    found: list[Piece] = []
    if together < min(MOST_PAIRS, len(term) ** 2 / 2):
        found, left = pieces(rows.T @ rows, term, dims[term])
    if not found:
        _refuse_large(r, 0, levels)
        return None
    column = starts[term] + (np.arange(len(term)) - first[term - c]) * dims[term]
    parts, met = _parts(chain, found, left, (term, column), (levels, dims, starts))
    return _laid_out(parts, met, levels)


def _parts(
    chain: tuple[Stage, ...],
    found: list[Piece],
    left: Ints,
    nodes: tuple[Ints, Ints],
    terms: tuple[tuple[int, ...], Ints, Ints],
) -> tuple[Parts, list[tuple[Ints, Ints]]]:
    """The parts without stages; level and column of Z of each entry of the chain's."""
    (term, column), (levels, dims, starts), c = nodes, terms, len(chain)
    tail, count = np.unique(term[left], return_counts=True)
    of_part = [*range(c), *(p.term for p in found), *map(int, tail)]
    sizes = [*levels[:c], *(len(p.nodes) for p in found), *map(int, count)]
    order = np.concatenate([*(p.nodes for p in found), left])
    columns = np.concatenate([np.arange(starts[c]), _spread(order, column, dims[term])[1]])
    begin = np.concatenate([[0], np.cumsum(np.array(sizes) * dims[of_part])]).astype(np.int64)
    met = [(s.level, s.column) for s in chain]
    for piece in found:
        entry, at = _spread(piece.met, column, dims[term])
        met.append((piece.level[entry], at))
    own = tuple(int(dims[k]) for k in of_part)
    return Parts(tuple(of_part), tuple(sizes), own, begin, (), 0, slice(0, 0), columns), met


def _spread(nodes: Ints, column: Ints, width: Ints) -> tuple[Ints, Ints]:
    """All columns of nodes, one after the other, and which of the nodes each is of."""
    wide = width[nodes]
    which = np.repeat(np.arange(len(nodes)), wide)
    return which, column[nodes][which] + np.arange(len(which)) - np.repeat(np.cumsum(wide) - wide, wide)


def _laid_out(
    parts: Parts, met: list[tuple[Ints, Ints]], levels: tuple[int, ...]
) -> tuple[Parts, Callable[[Ints, Ints], Ints]]:
    """The parts with their stages, and the positions of pairs of columns."""
    assert parts.column is not None
    end, inverse = int(parts.starts[-1]), np.empty(len(parts.column), np.int64)
    inverse[parts.column] = np.arange(end)
    stages, at, keys = [], 0, []
    for k, (level, column) in enumerate(met):
        key = np.sort(level * end + inverse[column])
        stages.append(Stage.at(at, *np.divmod(key, end), (parts.levels[k], parts.dims[k])))
        at = stages[-1].after
        keys.append(key + sum(parts.levels[:k]) * end)
    r = end - int(parts.starts[len(stages)])
    _refuse_large(r, sum(float((np.diff(s.indptr).astype(float) ** 2).sum()) for s in stages), levels)
    parts = replace(parts, stages=tuple(stages), size=at + r * r, tail=slice(at, at + r * r))
    before = [np.cumsum([0, *v[:-1]]) for v in (parts.levels[: len(stages)], [len(k) for k in keys])]
    where = Places(parts, inverse, np.concatenate(keys), *before)
    return replace(parts, stages=tuple(_paired(s, where) for s in stages)), where.of


def _paired(stage: Stage, where: Places) -> Stage:
    left, other, same = stage.couples()
    target = where.at(stage.column[left], stage.column[other]) - stage.after
    return replace(stage, pairs=(left, other, target, same))


def _refuse_large(r: int, pairs: float, levels: tuple[int, ...]) -> None:
    """Refuse a tail of r columns and pairs (each counted twice) that need too much memory."""
    needed = 8.0 * (6 * float(r) ** 2 + 3 * pairs)
    if needed > MOST_BYTES:
        raise TooLarge(levels, r, needed)


def pieces(meets: sparse.csr_array, term: Ints, width: Ints) -> tuple[list[Piece], Ints]:
    """Find sets of levels to remove, in order, and the nodes that stay for the dense tail.

    Parameters
    ----------
    meets : (m, m) sparse
        True where two of the tail's levels meet, symmetric; the diagonal counts for nothing.
    term : (m,) int
        Term of each level.
    width : (m,) int
        Columns of each level.
    """
    found: list[Piece] = []
    rng, left = np.random.default_rng(0), np.arange(len(term))
    meets = _without_diagonal(meets)
    while len(left) and len(found) < SETS:
        degree, columns = meets @ width[left].astype(float), float(width[left].sum())
        few = max(SLACK * degree.min(), float(np.quantile(degree, LEAST)))
        if degree.min() * SHARE > columns:
            break
        apart = _apart(meets, degree <= few, degree + rng.random(len(left)))
        if len(apart) * columns**2 < WORTH:
            break
        rest = np.setdiff1d(np.arange(len(left)), apart, assume_unique=True)
        for k in np.unique(term[left[apart]]):
            own = apart[term[left[apart]] == k]
            rows = meets[own]
            level = np.repeat(np.arange(len(own)), np.diff(rows.indptr))
            found.append(Piece(int(k), left[own], level, left[rows.indices]))
        across = meets[apart][:, rest]
        meets = _without_diagonal(meets[rest][:, rest] + across.T @ across)
        left = left[rest]
    return found, left


def _apart(meets: sparse.csr_array, able: NDArray[np.bool_], priority: Floats) -> Ints:
    """Nodes that come before all that they meet, among those that are able."""
    value = np.where(able, priority, np.inf)
    nearest = np.full(len(value), np.inf)
    some = np.flatnonzero(np.diff(meets.indptr))
    nearest[some] = np.minimum.reduceat(value[meets.indices], meets.indptr[some]) if len(some) else np.inf
    return np.flatnonzero(able & (value < nearest)).astype(np.int64)


def _without_diagonal(meets: sparse.csr_array) -> sparse.csr_array:
    """The same pattern of ones, without a diagonal."""
    some = sparse.coo_array(meets)
    row, column = some.coords
    kept = row != column
    ones = np.ones(int(kept.sum()), np.float32)
    return sparse.coo_array((ones, (row[kept], column[kept])), shape=meets.shape).tocsr()
