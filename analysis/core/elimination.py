"""Solve the equations of a mixed model: down the chain level by level, a dense factor of the tail, and back again.

Source: `Moments` and, of each term, T, the lower triangle of its relative covariance T T' (Lambda in Bates et al. 2015).
Nothing is divided by T, so that a term may be at zero: a level enters by H = T (I + T'A T)^-1 T'. On the way back the
inverse of the mixed-model equations is made where Z'WZ has numbers and nowhere else (Takahashi, Fagan & Chin 1973), which
is what slopes of log-determinants and errors of prediction need.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import linalg

from analysis.core.mixed_cells import Layout, Moments, Stage

Floats = NDArray[np.float64]
Triangles = Sequence[Floats]


@dataclass(frozen=True, slots=True)
class Step:
    """One term of the chain at given T, after the ones before it are removed."""

    own: Floats  #: (q, d, d) A
    inner: Floats  #: (q, d, d) (I + T'A T)^-1
    shrink: Floats  #: (q, d, d) H
    right: Floats  #: (d, E) F, its numbers to the right
    border: Floats  #: (q, d, p + 1)


@dataclass(frozen=True, slots=True)
class Solved:
    """The equations at given T."""

    steps: tuple[Step, ...]
    rest: Floats  #: (r, r) of the tail, after the chain is removed
    border: Floats  #: (r, p + 1)
    factor: Floats  #: (r + p, r + p) lower Cholesky factor of the scaled tail bordered by X
    log_l: float  #: log|L|^2
    log_x: float  #: log|R_X|^2
    pwrss: float  #: penalised weighted residual sum of squares r^2


@dataclass(frozen=True, slots=True)
class Inverse:
    """The inverse of the mixed-model equations, without the factor s^2, where Z'WZ has numbers."""

    store: Floats  #: as `Moments.store`
    by_x: Floats  #: (q, p) random by fixed
    xx: Floats  #: (p, p) fixed
    slopes: tuple[Floats, ...]  #: of log|L|^2 (+ log|R_X|^2) by each T, (d, d)


def solve(moments: Moments, triangles: Triangles) -> Solved:
    """Remove the random effects at given T.

    Raises
    ------
    LinAlgError
        Where the tail is not positive definite.
    """
    layout, store, p1 = moments.layout, moments.store, moments.p + 1
    border, corner, log_l, steps = moments.zx, moments.xx, 0.0, []
    for k, stage in enumerate(layout.stages):
        step, log_d = _step(layout, k, store, triangles[k], border[: layout.levels[k] * layout.dims[k]])
        weighted = _product(step.shrink, step.border)
        log_l += log_d
        corner = corner - step.border.reshape(-1, p1).T @ weighted.reshape(-1, p1)
        store = _reduced(layout, stage, store, step)
        border = border[layout.levels[k] * layout.dims[k] :].copy()
        after = int(layout.starts[k + 1])
        for a, rows in enumerate(stage.rows(step.right, int(layout.starts[-1]))):
            border -= (rows.T @ weighted[:, a])[after:]
        steps.append(step)
    r = len(border)
    rest = store[len(store) - r * r :].reshape(r, r)
    scaled = _scaled(layout, triangles, _scaled(layout, triangles, rest).T)
    across, size = _scaled(layout, triangles, border), r + p1 - 1
    whole = np.empty((size, size), order="F")  # as LAPACK has it, which spares a copy
    whole[:r, :r] = scaled
    whole[:r, :r].flat[:: r + 1] += 1.0
    whole[r:, :r] = across[:, :-1].T
    whole[r:, r:] = corner[:-1, :-1]
    factor = linalg.cholesky(whole, lower=True, check_finite=False, overwrite_a=True)
    seen = linalg.solve_triangular(factor, np.append(across[:, -1], corner[:-1, -1]), lower=True, check_finite=False)
    diagonal = np.log(np.diag(factor)) * 2
    log_l, log_x = log_l + float(diagonal[:r].sum()), float(diagonal[r:].sum())
    return Solved(tuple(steps), rest, border, factor, log_l, log_x, max(float(corner[-1, -1] - seen @ seen), 0.0))


def inverse(moments: Moments, triangles: Triangles, s: Solved, *, fixed: bool, whole: bool = True) -> Inverse:
    """Make the inverse, and the slopes of the log-determinant.

    Parameters
    ----------
    fixed : bool
        True: with the fixed effects among the equations, as REML and errors of prediction need it. False: without.
    whole : bool
        False: leave out the rows of the first term of the chain, on which no slope depends.
    """
    layout, p = moments.layout, moments.p
    store, by_x, xx, slopes = _tail_inverse(moments, triangles, s, fixed)
    found = list(slopes)
    for k in range(layout.chain - 1, -1, -1):
        stage, step, b = layout.stages[k], s.steps[k], s.steps[k].border[:, :, :p]
        by_entry = _times(layout, stage, step.right, store)
        if fixed:
            by_entry = by_entry + _met(stage, b, by_x)
        y = -_by_level(layout, k, stage, by_entry, step.right)
        if fixed:
            rows = stage.rows(step.right, int(layout.starts[-1]))
            r = np.stack([row @ by_x for row in rows], axis=1) + (b.reshape(-1, p) @ xx).reshape(b.shape)
            y = y - np.einsum("qac,qbc->qab", r, b)
        found.insert(0, _chain_slope(step, triangles[k], y))
        if k == 0 and not whole:
            break
        if fixed:
            by_x[layout.rows(k)] = -_product(step.shrink, r).reshape(-1, p)
        store[stage.own] = (step.shrink - _product(_product(step.shrink, y), step.shrink)).ravel()
        store[stage.right] = -_weighted(stage, step.shrink, by_entry).ravel()
    return Inverse(store, by_x, xx, tuple(found))


def inverse_times(
    moments: Moments, triangles: Triangles, s: Solved, random: Floats, fixed: Floats
) -> tuple[Floats, Floats]:
    """Multiply the mixed-model equations' inverse by columns: (q, m) and (p, m) in and out, without the factor s^2.

    Henderson (1975), Biometrics 31: times s^2 this is the covariance of fixed effects and of prediction errors.
    """
    layout, p, end = moments.layout, moments.p, int(moments.layout.starts[-1])
    rest, border, parts = random, fixed, []
    for k, stage in enumerate(layout.stages):
        q, d, step = layout.levels[k], layout.dims[k], s.steps[k]
        part, rest = rest[: q * d].reshape(q, d, -1), rest[q * d :].copy()
        weighted = _product(step.shrink, part)
        border = border - step.border.reshape(q * d, -1)[:, :p].T @ weighted.reshape(q * d, -1)
        for a, rows in enumerate(stage.rows(step.right, end)):
            rest -= (rows.T @ weighted[:, a])[int(layout.starts[k + 1]) :]
        parts.append(part)
    r = len(s.rest)
    both = np.vstack([_scaled(layout, triangles, rest), border])
    both = linalg.cho_solve((s.factor, True), both, check_finite=False)
    effects = np.zeros((end, random.shape[1]))
    effects[end - r :], beta = _spread(layout, triangles, both[:r]), both[r:]
    for k in range(layout.chain - 1, -1, -1):
        stage, step = layout.stages[k], s.steps[k]
        known = np.stack([rows @ effects for rows in stage.rows(step.right, end)], axis=1)
        known += (step.border.reshape(-1, p + 1)[:, :p] @ beta).reshape(known.shape)
        own = _product(step.shrink, parts[k] - known)
        effects[layout.rows(k)] = own.reshape(-1, random.shape[1])
    return effects, beta


def own_blocks(layout: Layout, store: Floats, k: int) -> Floats:
    """The blocks of a term on the diagonal, (q, d, d), out of a store."""
    q, d = layout.levels[k], layout.dims[k]
    if k < layout.chain:
        return store[layout.stages[k].own].reshape(q, d, d)
    first = int(layout.starts[layout.chain])
    r, at = int(layout.starts[-1]) - first, int(layout.starts[k]) - first
    rows = at + np.arange(q * d).reshape(q, d)
    return store[layout.tail].reshape(r, r)[rows[:, :, None], rows[:, None, :]]


def _step(layout: Layout, k: int, store: Floats, t: Floats, border: Floats) -> tuple[Step, float]:
    q, d, stage = layout.levels[k], layout.dims[k], layout.stages[k]
    at = len(store) - layout.size  # what was removed before is no longer in the store
    own = store[stage.own.start + at : stage.own.stop + at].reshape(q, d, d)
    right = store[stage.right.start + at : stage.right.stop + at].reshape(d, -1)
    if d == 1:
        inner = 1 / (1 + t[0, 0] ** 2 * own)
        log_d = -float(np.log(inner).sum())
        return Step(own, inner, t[0, 0] ** 2 * inner, right, border.reshape(q, d, -1)), log_d
    outer = np.eye(d) + t.T @ own @ t
    log_d = float(np.linalg.slogdet(outer)[1].sum())
    inner = np.linalg.inv(outer)
    return Step(own, np.asarray(inner), np.asarray(t @ inner @ t.T), right, border.reshape(q, d, -1)), log_d


def _product(blocks: Floats, columns: Floats) -> Floats:
    """Blocks (q, d, d) times (q, d, m); single numbers without a product of matrices a level."""
    return blocks * columns if blocks.shape[1] == 1 else blocks @ columns


def _weighted(stage: Stage, shrink: Floats, right: Floats) -> Floats:
    """H F, (d, E)."""
    if len(right) == 1:
        return shrink[stage.level, 0, 0] * right
    return np.einsum("eab,be->ae", shrink[stage.level], right)


def _reduced(layout: Layout, stage: Stage, store: Floats, step: Step) -> Floats:
    """The store of what comes after a term, the term removed: less F'HF."""
    rest = store[len(store) - (layout.size - stage.after) :]
    weighted = _weighted(stage, step.shrink, step.right)
    if stage.down is None:
        one, two = (_dense(layout, stage, v) for v in (step.right, weighted))
        return rest - np.sum([f.T @ w for f, w in zip(one, two, strict=True)], axis=0).ravel()
    left, other, target = stage.down
    for f, w in zip(step.right, weighted, strict=True):
        rest = rest - np.bincount(target, f.take(left) * w.take(other), len(rest))
    return rest


def _dense(layout: Layout, stage: Stage, values: Floats) -> list[Floats]:
    """Entries laid out in full over the tail's columns, a matrix a dimension."""
    first = int(layout.starts[layout.chain])
    found = np.zeros((len(values), len(stage.indptr) - 1, int(layout.starts[-1]) - first))
    found[:, stage.level, stage.column - first] = values
    return list(found)


def _times(layout: Layout, stage: Stage, right: Floats, store: Floats) -> Floats:
    """F Q at the stage's entries, (d, E), Q the inverse of what comes after."""
    if stage.pairs is None:
        first = int(layout.starts[layout.chain])
        r = int(layout.starts[-1]) - first
        inner = store[layout.tail].reshape(r, r)
        return np.stack([(f @ inner)[stage.level, stage.column - first] for f in _dense(layout, stage, right)])
    left, other, target = stage.pairs
    known = store[stage.after :].take(target)
    return np.stack([np.bincount(other, f.take(left) * known, len(stage.level)) for f in right])


def _met(stage: Stage, b: Floats, by_x: Floats) -> Floats:
    """B' Q_x at the stage's entries, (d, E): column by column, which reads memory in order."""
    counts, found = np.diff(stage.indptr), np.zeros((b.shape[1], len(stage.level)))
    for c in range(by_x.shape[1]):
        known = np.ascontiguousarray(by_x[:, c]).take(stage.column)
        for a in range(len(found)):
            found[a] += np.repeat(b[:, a, c], counts) * known
    return found


def _by_level(layout: Layout, k: int, stage: Stage, one: Floats, two: Floats) -> Floats:
    """Sum over the entries of each level of the products of two (d, E), (q, d, d)."""
    q, d = layout.levels[k], layout.dims[k]
    found = np.empty((q, d, d))
    for a in range(d):
        for b in range(d):
            found[:, a, b] = np.bincount(stage.level, one[a] * two[b], q)
    return found


def _chain_slope(step: Step, t: Floats, y: Floats) -> Floats:
    """Slope of the log-determinant by T: sum of 2 (A + (I - A H) Y) T (I + T'A T)^-1."""
    inside = step.own + y - _product(_product(step.own, step.shrink), y)
    return 2 * _product(inside * t[0, 0] if len(t) == 1 else inside @ t, step.inner).sum(axis=0)


def _tail_inverse(
    moments: Moments, triangles: Triangles, s: Solved, fixed: bool
) -> tuple[Floats, Floats, Floats, list[Floats]]:
    """Inverse of the tail, written into an empty store, and the slopes of the tail's terms."""
    layout, p, r = moments.layout, moments.p, len(s.rest)
    size, end = r + p if fixed else r, int(layout.starts[-1])
    v = linalg.lapack.dpotri(s.factor[:size, :size], lower=1)[0] if size else np.zeros((0, 0))
    _mirrored(v)
    half = _spread(layout, triangles, v[:r, :r])  # Lambda V
    store, by_x, xx = np.zeros(layout.size), np.zeros((end, p)), np.zeros((p, p))
    store[layout.tail] = _spread(layout, triangles, half.T).ravel()
    slopes = _slopes_of_tail(layout, s.rest, half)
    if fixed:
        by_x[end - r :], xx = _spread(layout, triangles, v[:r, r:]), v[r:, r:]
        more = _slopes_of_tail(layout, s.border[:, :p], v[r:, :r])
        slopes = [a + b for a, b in zip(slopes, more, strict=True)]
    return store, by_x, xx, slopes


def _mirrored(v: Floats, width: int = 64) -> None:
    """Copy the lower half of a matrix to the upper one, in strips that stay near."""
    for at in range(0, len(v), width):
        end = at + width
        v[at:end, end:] = v[end:, at:end].T
        inner = v[at:end, at:end]
        inner[...] = np.tril(inner) + np.tril(inner, -1).T


def _slopes_of_tail(layout: Layout, one: Floats, other: Floats) -> list[Floats]:
    """Twice the sum of the blocks on the diagonal of a product (r, m) (m, r), term by term, without the product."""
    found, first = [], int(layout.starts[layout.chain])
    for k in range(layout.chain, len(layout.levels)):
        d, rows = layout.dims[k], slice(layout.rows(k).start - first, layout.rows(k).stop - first)
        left, right = one[rows], other[:, rows]
        blocks = [[2 * np.einsum("ij,ji->", left[a::d], right[:, b::d]) for b in range(d)] for a in range(d)]
        found.append(np.array(blocks).reshape(d, d))
    return found


def _scaled(layout: Layout, triangles: Triangles, values: Floats) -> Floats:
    """Lambda' times rows of the tail."""
    return _each(layout, [t.T for t in triangles], values)


def _spread(layout: Layout, triangles: Triangles, values: Floats) -> Floats:
    """Lambda times rows of the tail."""
    return _each(layout, triangles, values)


def _each(layout: Layout, blocks: Sequence[Floats], values: Floats) -> Floats:
    found, first = np.empty_like(values), int(layout.starts[layout.chain])
    for k in range(layout.chain, len(layout.levels)):
        rows = slice(layout.rows(k).start - first, layout.rows(k).stop - first)
        if layout.dims[k] == 1:
            found[rows] = blocks[k][0, 0] * values[rows]
        else:
            q, d = layout.levels[k], layout.dims[k]
            found[rows] = (blocks[k] @ values[rows].reshape(q, d, -1)).reshape(q * d, -1)
    return found
