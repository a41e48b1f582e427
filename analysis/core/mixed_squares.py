"""The first elimination of a fit where many T are tried: its products do not depend on T, and are summed once.

Source: `Moments` whose first term has one column. Its levels l with rows f_l = (F, X, y) to the right are removed by taking
sum h_l f_l f_l' off what comes after, h_l = t^2 / (1 + t^2 a_l). Levels of equal a_l, the own number of Z'WZ, have the same
h_l whatever t is: without weights a_l counts rows, and there are few counts. So f_l f_l' is summed by `kind`, and an
elimination, its logarithm and its slope cost what the kinds cost. Where few levels share a kind there are no such sums.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from analysis.core.design import compact
from analysis.core.mixed_cells import Moments

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
SHARED = 4  # levels a kind, on average, from which on the sums pay
MOST = 5_000_000  # numbers of the border by kind held in memory


@dataclass(frozen=True, slots=True)
class Squares:
    """Sums of f f' by kind."""

    kind: Ints  #: (q,) of each level
    own: Floats  #: (C,) a
    count: Floats  #: (C,) levels
    store: sparse.csr_array  #: (S, C) F'F in the store after the first term, each pair of columns once
    border: Floats  #: (m, p + 1, C) F'[X y], m columns after the first term
    corner: Floats  #: (p + 1, p + 1, C) [X y]'[X y]
    once: Ints  #: (m,) positions of the diagonal in the store after the first term
    diagonal: sparse.csr_array  #: (m, C) what `store` has there

    def inner(self, t: float) -> Floats:
        """1 / (1 + t^2 a), (C,)."""
        return 1 / (1 + t**2 * self.own)

    def log(self, t: float) -> float:
        """Log-determinant of what is removed."""
        return -float(self.count @ np.log(self.inner(t)))

    def removed(self, moments: Moments, t: float) -> tuple[Floats, Floats, Floats]:
        """Store, border (m, p + 1) and corner (p + 1, p + 1) without the first term."""
        h, m = t**2 * self.inner(t), len(self.border)
        store = moments.store[len(moments.store) - self.store.shape[0] :] - self.store @ h
        return store, moments.zx[len(moments.zx) - m :] - self.border @ h, moments.xx - self.corner @ h

    def slope(self, t: float, store: Floats, fixed: tuple[Floats, Floats] | None) -> float:
        """Slope of the log-determinant by t.

        Parameters
        ----------
        store : (S,) float
            Inverse Q of what comes after the first term.
        fixed : ((m, p), (p, p)) or None
            Its part between random and fixed effects, and of fixed effects.
        """
        y = self.diagonal.T @ store[self.once] - 2 * (self.store.T @ store)  # of each kind, the sum of -f Q f'
        if fixed is not None:
            by_x, xx = fixed
            y -= 2 * np.einsum("mp,mpc->c", by_x, self.border[:, :-1]) + np.einsum(
                "pq,pqc->c", xx, self.corner[:-1, :-1]
            )
        inner = self.inner(t)
        return float(2 * t * (inner @ (self.count * self.own + inner * y)))


def squares(moments: Moments) -> Squares | None:
    """Sum the products of the first term's rows by kind; None where that would not pay."""
    layout, p1 = moments.layout.parts, moments.p + 1
    stage = layout.stages[0]
    if layout.dims[0] > 1 or stage.pairs is None or layout.column is not None:
        return None
    own, kind = _kinds(moments.store[stage.own])
    q, c, m = len(kind), len(own), int(layout.starts[-1] - layout.starts[1])
    if c * SHARED > q or c * m * p1 > MOST:
        return None
    f, b = moments.store[stage.right], moments.zx[:q]
    left, other, target, _ = stage.pairs
    size, of_entry = layout.size - stage.after, kind[stage.level]
    where = target.astype(np.int32), of_entry.astype(np.int32).take(left)
    products = sparse.coo_array((f.take(left) * f.take(other), where), shape=(size, c)).tocsr()
    at, border = (stage.column - q) * c + of_entry, np.empty((m, p1, c))
    for j in range(p1):
        border[:, j] = np.bincount(at, f * b[:, j].take(stage.level), m * c).reshape(m, c)
    count, once = np.bincount(kind).astype(float), _diagonals(moments)
    return Squares(kind, own, count, products, border, _corner(b, kind, c), once, products[once])


def _kinds(own: Floats) -> tuple[Floats, Ints]:
    """Values that occur, and each level's number among them."""
    counts = own.astype(np.int64)
    if (counts == own).all():
        found, kind = compact(counts)
        return found.astype(np.float64), kind
    values, kind = np.unique(own, return_inverse=True)
    return values, kind.astype(np.int64)


def _corner(b: Floats, kind: Ints, c: int) -> Floats:
    by_kind = b[np.argsort(kind, kind="stable")]
    parts = np.split(by_kind, np.cumsum(np.bincount(kind, minlength=c))[:-1])
    return np.stack([part.T @ part for part in parts], axis=2)


def _diagonals(moments: Moments) -> Ints:
    """Positions of diagonals in the store after the first term."""
    layout, found = moments.layout.parts, []
    for k, stage in enumerate(layout.stages[1:], start=1):
        q, d = layout.levels[k], layout.dims[k]
        found.append(stage.own.start + (np.arange(q)[:, None] * d * d + np.arange(d) * (d + 1)).ravel())
    r = int(layout.starts[-1] - layout.starts[layout.chain])
    found.append(layout.tail.start + np.arange(r) * (r + 1))
    return np.concatenate(found) - layout.stages[0].after
