"""Who stands behind each cell: persons counted for every cut of a source, all cuts at once.

From the frames of people given to `plan_release`. Regions are a tree (people below a node are the node's), every other
column is flat; people without a value keep a place of their own, which nobody is ever shown.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csr_array

from analysis.core import suppression
from analysis.tidy import ALL

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Axis:
    """The values of a flat column. Place 0 is all, then the values in text order, then those who have none."""

    name: str
    values: tuple[str, ...]

    @property
    def size(self) -> int:
        """Number of places."""
        return len(self.values) + 2

    @property
    def places(self) -> dict[str, int]:
        """Where each value stands; ``*`` stands at 0."""
        return _places((ALL, *self.values))


@dataclass(frozen=True, slots=True)
class Tree:
    """A column with parents. Node 0 is all; ``parent`` gives the node above each, -1 for node 0."""

    name: str
    codes: tuple[str, ...]
    parent: tuple[int, ...]
    finest: frozenset[str]

    @property
    def places(self) -> dict[str, int]:
        """Where each code stands; ``*`` stands at 0."""
        return _places(self.codes)


@dataclass(frozen=True, slots=True)
class Family:
    """A cut with all cuts within it, and the people in every cell of them.

    Attributes
    ----------
    extras : tuple of Axis
        Wave first, then columns beyond two.
    column : Axis
        The flat column, nameless if there is none.
    tree : Tree
        The column with parents, nameless if there is none.
    table : Lattice
        Column times tree, as sums.
    people : int array, shape (places of each extra, places of column, rows of tree, sets)
        Distinct persons. All waves together: no fewer than the fullest wave.
    """

    extras: tuple[Axis, ...]
    column: Axis
    tree: Tree
    table: suppression.Lattice
    people: Ints

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the array's axes."""
        return (*(a.name for a in self.extras), self.column.name, self.tree.name)

    def find(self, cell: dict[str, str]) -> tuple[int, ...] | None:
        """Where a cell stands in the array; None for a value that nobody has."""
        parts: tuple[Axis | Tree, ...] = (*self.extras, self.column, self.tree)
        found = [part.places.get(cell.get(part.name, ALL)) for part in parts]
        return None if None in found else tuple(f for f in found if f is not None)


@dataclass(frozen=True, slots=True)
class Members:
    """Which rows of people stand in which cells, for comparing sets that no sum connects.

    Attributes
    ----------
    codes : tuple of int arrays, shape (axes, rows)
        For each family the place of every row on its axes, the finest row of the tree last.
    who : (rows,) int
        Whose each row is.
    answered : (rows, sets) bool
        Who has a value of each set.
    """

    codes: tuple[Ints, ...]
    who: Ints
    answered: NDArray[np.bool_]

    def in_wave(self, families: Sequence[Family], wave: int | None) -> tuple[Ints, csr_array]:
        """Give the rows of a wave (its place; None: there are no waves) and the cells that they stand in.

        Returns
        -------
        rows : int array
        cells : sparse (cells, rows) of 1
            The families' cells one after the other, each as its array without the axis of waves is flattened; a cell of a cut
            that an earlier family has too is empty.
        """
        rows = np.arange(len(self.who)) if wave is None else np.flatnonzero(self.codes[0][0] == wave)
        first = 0 if wave is None else 1
        cells, columns, start, seen = [], [], 0, list[frozenset[str]]()
        for family, codes in zip(families, self.codes, strict=True):
            shape, names = family.people.shape[first:-1], family.names[first:]
            for keep, source, row, cell in _climbed(codes[first:, rows], shape, suppression.below(family.table)):
                flat = frozenset(n for n, k in zip(names, keep, strict=False) if k)
                for top in (True, False):
                    cut = flat if top else flat | {names[-1]}
                    if not any(cut <= other for other in seen):
                        here = (row == 0) == top
                        cells.append(cell[here] + start)
                        columns.append(source[here])
            seen.append(frozenset(names))
            start += int(np.prod(shape))
        pairs = np.concatenate(cells), np.concatenate(columns)
        found = csr_array((np.ones(len(pairs[0]), dtype=np.int8), pairs), shape=(start, len(rows)))
        found.sum_duplicates()
        return rows, found


@lru_cache(maxsize=64)
def _places(values: tuple[str, ...]) -> dict[str, int]:
    """Looked up once a released row, so made once."""
    return {value: i for i, value in enumerate(values)}


def region_tree(hierarchy: pd.DataFrame) -> Tree:
    """Read a hierarchy (code, parent, level, ...) as a tree under ``*``.

    Raises
    ------
    ValueError
        For missing columns, a code with two parents, a parent that is not a code, or a ring.
    """
    if missing := [c for c in ("code", "parent") if c not in hierarchy.columns]:
        raise ValueError(f"hierarchy has no column {missing}; it needs code and parent")
    pairs = pd.DataFrame({c: texts(hierarchy[c]) for c in ("code", "parent")}).drop_duplicates()
    pairs["parent"] = pairs["parent"].where(pairs["parent"].notna() & (pairs["parent"] != ""), ALL)
    if twice := sorted(pairs.loc[pairs["code"].duplicated(), "code"])[:3]:
        raise ValueError(f"hierarchy gives code {twice[0]} two parents: give the tree of one date")
    below: dict[str, list[str]] = {}
    for code, parent in zip(pairs["code"], pairs["parent"], strict=True):
        below.setdefault(parent, []).append(code)
    codes, parents, depth = [ALL], [-1], [0]
    for at in range(len(pairs) + 1):
        if at == len(codes):
            raise ValueError(
                "hierarchy has a parent that is not a code, or a ring of codes: each must lead to the root"
            )
        for code in sorted(below.get(codes[at], ())):
            codes, parents, depth = [*codes, code], [*parents, at], [*depth, depth[at] + 1]
    deepest = max(depth) if max(depth) > 1 else -1
    return Tree(
        "region", tuple(codes), tuple(parents), frozenset(c for c, d in zip(codes, depth, strict=True) if d == deepest)
    )


def flat_tree(axis: Axis) -> Tree:
    """A flat column as a tree of one level."""
    return Tree(axis.name, (ALL, *axis.values), (-1, *[0] * len(axis.values)), frozenset())


def texts(column: pd.Series) -> pd.Series:
    """Values as tidy tables write them; missing stays missing."""
    plain = column.astype(object)
    return plain.where(plain.isna(), plain.map(str))


def families(
    frame: pd.DataFrame, cuts: Iterable[tuple[str, ...]], regions: Tree | None, answered: NDArray[np.bool_]
) -> tuple[tuple[Family, ...], bool, Members]:
    """Count the people of a source for all its cuts.

    Parameters
    ----------
    frame : DataFrame
        Columns member, the cut columns, perhaps wave.
    cuts : iterable of tuples of str
        Cuts without wave.
    regions : Tree or None
        The tree of column region; without it region is flat.
    answered : (rows, sets) bool
        Who belongs to each set.

    Returns
    -------
    families : tuple of Family
        One for each cut that is in no larger one.
    overlap : bool
        Whether a person stands in more than one row of a wave.
    members : Members
        Who they are.
    """
    whole = {frozenset(c) for c in cuts} | {frozenset[str]()}
    largest = sorted(tuple(sorted(c)) for c in whole if not any(c < other for other in whole))
    wave = ("wave",) if "wave" in frame.columns else ()
    who = pd.factorize(frame["member"])[0]
    overlap = bool(frame[[*wave, "member"]].duplicated().any())
    found = [_family(frame, c, wave, regions, answered, who if overlap else None) for c in largest]
    return tuple(f for f, _ in found), overlap, Members(tuple(codes for _, codes in found), who, answered)


def _family(
    frame: pd.DataFrame,
    cut: tuple[str, ...],
    wave: Sequence[str],
    regions: Tree | None,
    answered: NDArray[np.bool_],
    who: Ints | None,
) -> tuple[Family, Ints]:
    axes = {c: _axis(frame[c]) for c in (*wave, *cut) if not (c == "region" and regions)}
    flat = [c for c in cut if c in axes]
    tree = regions if regions and "region" in cut else flat_tree(axes[flat.pop()] if flat else Axis("", ()))
    column = axes[flat[0]] if flat else Axis("", ())
    extras = tuple(axes[c] for c in (*wave, *flat[1:]))
    table = suppression.lattice(tree.parent, column.size - 1)
    shape = (*(a.size for a in extras), column.size, table.rows)
    codes = np.array([*(_codes(frame, a) for a in (*extras, column)), _rows(frame, tree, table)])
    count = _sums if who is None else _distinct
    people = count(codes, shape, suppression.below(table), answered, who, bool(wave))
    return Family(extras, column, tree, table, people), codes


def _axis(column: pd.Series) -> Axis:
    values = tuple(sorted(texts(column).dropna().unique()))
    if ALL in values:
        raise ValueError(f"column {column.name} has the value {ALL!r}, which stands for all: rename it")
    return Axis(str(column.name), values)


def _codes(frame: pd.DataFrame, axis: Axis) -> Ints:
    if not axis.name:
        return np.ones(len(frame), dtype=np.int64)
    places = texts(frame[axis.name]).map(axis.places).fillna(axis.size - 1)
    return np.asarray(places, dtype=np.int64)


def _rows(frame: pd.DataFrame, tree: Tree, table: suppression.Lattice) -> Ints:
    """The finest row of each person: the node, or the node's row of its own where it has children."""
    own = dict(zip(table.parent[table.own].tolist(), np.flatnonzero(table.own).tolist(), strict=True))
    if not tree.name:
        return np.full(len(frame), own[0], dtype=np.int64)
    given = texts(frame[tree.name])
    node = given.map(tree.places)
    if lost := int((given.notna() & node.isna()).sum()):
        raise ValueError(
            f"{lost} rows of people have a {tree.name} that the hierarchy does not have: add it or mend the rows"
        )
    finest: Ints = np.array([own.get(i, i) for i in range(len(tree.codes))], dtype=np.int64)
    return finest[np.asarray(node.fillna(0), dtype=np.int64)]


def _sums(
    codes: Ints, shape: tuple[int, ...], adds: NDArray[np.float64], answered: Any, who: Ints | None, waves: bool
) -> Ints:
    """Each person stands in one row of a wave: cells add up. All waves: at least the fullest one."""
    cells = np.ravel_multi_index(tuple(codes), shape)
    rows = csr_array(
        (np.ones(len(cells), dtype=np.float32), (cells, np.arange(len(cells)))), (int(np.prod(shape)), len(cells))
    )
    finest = (rows @ answered.astype(np.float32)).reshape(*shape, -1)
    people = np.rint(np.matmul(adds.astype(np.float32), finest)).astype(np.int64)
    for axis in reversed(range(len(shape) - 1)):
        inner = people[_all_but_first(axis)]
        people[(slice(None),) * axis + (0,)] = inner.max(axis) if waves and axis == 0 else inner.sum(axis)
    return people


def _distinct(
    codes: Ints, shape: tuple[int, ...], adds: NDArray[np.float64], answered: Any, who: Ints | None, waves: bool
) -> Ints:
    """A person may stand in several rows: count each once in every cell."""
    assert who is not None
    people = np.zeros((int(np.prod(shape)), answered.shape[1]), dtype=np.int64)
    for _, source, _, cells in _climbed(codes, shape, adds):
        pairs, pair = np.unique(cells * (who.max() + 1) + who[source], return_inverse=True)
        once = csr_array(
            (np.ones(len(source), dtype=np.float32), (pair, source)), (len(pairs), len(who))
        ) @ answered.astype(np.float32)
        np.add.at(people, pairs // (who.max() + 1), once > 0)
    return people.reshape(*shape, -1)


def _climbed(
    codes: Ints, shape: tuple[int, ...], adds: NDArray[np.float64]
) -> Iterator[tuple[tuple[int, ...], Ints, Ints, Ints]]:
    """Every cell that each row stands in: axes kept or put together (1, 0), the row's number, the tree's row, the flat cell."""
    above = csr_array(adds.T)
    times = np.diff(above.indptr)[codes[-1]]
    source = np.repeat(np.arange(codes.shape[1]), times)
    start = np.repeat(above.indptr[codes[-1]] - np.concatenate([[0], np.cumsum(times)[:-1]]), times)
    row = above.indices[start + np.arange(len(source))].astype(np.int64)
    for keep in product((0, 1), repeat=len(shape) - 1):
        places = tuple(codes[i][source] * k for i, k in enumerate(keep))
        yield keep, source, row, np.ravel_multi_index((*places, row), shape)


def _all_but_first(axis: int) -> tuple[slice, ...]:
    return (slice(None),) * axis + (slice(1, None),)
