"""The parts that an elimination takes one after another: whole terms, or sets of their levels that do not meet."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Pairs = tuple[
    Ints, Ints, Ints, Ints
]  # entry, the same or a later one, their product's place in the store, an entry's own


@dataclass(frozen=True, slots=True)
class Stage:
    """A part of the chain: its rows of Z'WZ to the right of its own blocks, an entry a level and later column."""

    level: Ints  #: (E,) in ascending order
    column: Ints  #: (E,)
    indptr: Ints  #: (q + 1,) first entry of each level
    narrow: tuple[NDArray[np.int32], NDArray[np.int32]]  #: column and indptr again, as sparse products take them
    own: slice  #: of the store, (q, d, d)
    right: slice  #: of the store, (d, E)
    after: int  #: first position of the store that an elimination changes
    pairs: Pairs | None  #: pairs of entries within a level, each once; None where a dense product is taken

    @classmethod
    def at(cls, at: int, level: Ints, column: Ints, size: tuple[int, int]) -> Stage:
        """A stage of (q, d) whose numbers begin at a position of the store; without pairs."""
        q, d = size
        own = slice(at, at + q * d * d)
        right = slice(own.stop, own.stop + d * len(level))
        indptr = np.concatenate([[0], np.cumsum(np.bincount(level, minlength=q))]).astype(np.int64)
        narrow = column.astype(np.int32), indptr.astype(np.int32)
        return cls(level, column, indptr, narrow, own, right, right.stop, None)

    def rows(self, values: Floats, columns: int) -> list[sparse.csr_array]:
        """Lay the entries out as a sparse matrix for each dimension, (q, columns)."""
        shape = (len(self.indptr) - 1, columns)
        return [sparse.csr_array((v, *self.narrow), shape=shape) for v in values]

    def couples(self) -> tuple[Ints, Ints, Ints]:
        """Pairs of entries within a level, each once, the earlier first; and where each entry's pair with itself stands."""
        entries = np.arange(len(self.level))
        after = self.indptr[1:][self.level] - entries  # entries of the level from this one on
        same = np.cumsum(after) - after
        left = np.repeat(entries, after)
        return left, left + np.arange(len(left)) - np.repeat(same, after), same


@dataclass(frozen=True, slots=True)
class Parts:
    """All parts in the order of elimination; those of the chain first, then the dense tail's."""

    term: tuple[int, ...]  #: of each part
    levels: tuple[int, ...]
    dims: tuple[int, ...]  #: columns of each level
    starts: Ints  #: first place of each part, and the end
    stages: tuple[Stage, ...]
    size: int  #: of the store
    tail: slice  #: of the store
    column: Ints | None  #: (q,) column of Z at each place; None: places are columns

    @property
    def chain(self) -> int:
        """Number of parts removed level by level."""
        return len(self.stages)

    def rows(self, k: int) -> slice:
        """Places of a part."""
        return slice(int(self.starts[k]), int(self.starts[k + 1]))

    def placed(self, values: Floats) -> Floats:
        """Rows of columns of Z, (q, m), in the order of elimination."""
        return values if self.column is None else values[self.column]

    def back(self, values: Floats) -> Floats:
        """Rows in the order of elimination as columns of Z have them."""
        if self.column is None:
            return values
        found = np.empty_like(values)
        found[self.column] = values
        return found

    def by_term(self, blocks: list[Floats]) -> list[Floats]:
        """Sums over the parts of each term."""
        found: dict[int, Floats] = {}
        for k, block in zip(self.term, blocks, strict=True):
            found[k] = found[k] + block if k in found else block
        return [found[k] for k in sorted(found)]
