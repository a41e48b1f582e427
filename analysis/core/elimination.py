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

from analysis.core.mixed_cells import Layout, Moments
from analysis.core.mixed_parts import Parts, Stage
from analysis.core.mixed_squares import Squares

Floats = NDArray[np.float64]
Triangles = Sequence[Floats]
FEW = 4  # numbers of the store to one that an elimination changes, from which on it is changed in place


@dataclass(frozen=True, slots=True)
class Step:
    """One term of the chain at given T, after the ones before it are removed."""

    own: Floats  #: (q, d, d) A
    inner: Floats  #: (q, d, d) (I + T'A T)^-1
    shrink: Floats  #: (q, d, d) H
    right: Floats  #: (d, E) F, its numbers to the right
    border: Floats  #: (q, d, p + 1)
    dense: Floats | None  #: (d, q, r) `right` laid out in full, where a dense product is taken


@dataclass(frozen=True, slots=True)
class Solved:
    """The equations at given T."""

    steps: tuple[Step, ...]
    rest: Floats  #: (r, r) of the tail, after the chain is removed
    border: Floats  #: (r, p + 1)
    factor: Floats  #: (r + p, r + p) lower Cholesky factor of the scaled tail bordered by X
    seen: Floats  #: (r + p,) the factor's solution of the outcome's column
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


def solve(moments: Moments, triangles: Triangles, squares: Squares | None = None) -> Solved:
    """Remove the random effects at given T.

    Parameters
    ----------
    squares : Squares, optional
        Of the same moments: makes the first term cheap where many T are tried.

    Raises
    ------
    LinAlgError
        Where the tail is not positive definite.
    """
    layout, store, p1 = moments.layout.parts, moments.store, moments.p + 1
    triangles, border = [triangles[k] for k in layout.term], layout.placed(moments.zx)
    corner, log_l, steps = moments.xx, 0.0, []
    for k, stage in enumerate(layout.stages):
        own, after = layout.levels[k] * layout.dims[k], border[int(layout.starts[k + 1] - layout.starts[k]) :]
        if k == 0 and squares is not None:
            store, border, corner = squares.removed(moments, triangles[0][0, 0])
            step, log_d = _shared_step(moments, triangles[0][0, 0], squares), squares.log(triangles[0][0, 0])
        else:
            step, log_d = _step(layout, k, store, triangles[k], border[:own])
            weighted = _product(step.shrink, step.border)
            corner = corner - step.border.reshape(-1, p1).T @ weighted.reshape(-1, p1)
            store, border = _reduced(layout, stage, store, step), after.copy()
            for a, rows in enumerate(stage.rows(step.right, int(layout.starts[-1]))):
                border -= (rows.T @ weighted[:, a])[int(layout.starts[k + 1]) :]
        log_l += log_d
        steps.append(step)
    r = len(border)
    rest = store[len(store) - r * r :].reshape(r, r)
    if layout.stages:
        _mirrored(rest)
    factor = _factor(layout, triangles, rest, border, corner)
    seen = np.append(_scaled(layout, triangles, border[:, -1:])[:, 0], corner[:-1, -1])
    seen = linalg.solve_triangular(factor, seen, lower=True, check_finite=False)
    diagonal = np.log(np.diag(factor)) * 2
    log_l, log_x = log_l + float(diagonal[:r].sum()), float(diagonal[r:].sum())
    return Solved(tuple(steps), rest, border, factor, seen, log_l, log_x, max(float(corner[-1, -1] - seen @ seen), 0.0))


def inverse(
    moments: Moments,
    triangles: Triangles,
    s: Solved,
    *,
    fixed: bool,
    whole: bool = True,
    squares: Squares | None = None,
) -> Inverse:
    """Make the inverse, and the slopes of the log-determinant.

    Parameters
    ----------
    fixed : bool
        True: with the fixed effects among the equations, as REML and errors of prediction need it. False: without.
    whole : bool
        False: leave out the rows of the first term of the chain, on which no slope depends.
    squares : Squares, optional
        Of the same moments; used where `whole` is False.
    """
    layout, p, triangles = moments.layout.parts, moments.p, [triangles[k] for k in moments.layout.parts.term]
    store, by_x, xx, slopes = _tail_inverse(moments, triangles, s, fixed)
    found = list(slopes)
    for k in range(layout.chain - 1, -1, -1):
        if k == 0 and not whole and squares is not None:
            after = by_x[int(layout.starts[1]) :], xx
            slope = squares.slope(triangles[0][0, 0], store[layout.stages[0].after :], after if fixed else None)
            found.insert(0, np.array([[slope]]))
            break
        stage, step, b = layout.stages[k], s.steps[k], s.steps[k].border[:, :, :p]
        by_entry = _times(layout, stage, step, store, by_x if fixed else None)
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
    return Inverse(store, layout.back(by_x), xx, tuple(layout.by_term(found)))


def pwrss_slopes(moments: Moments, triangles: Triangles, s: Solved) -> list[Floats]:
    """Slopes of r^2 by each T: -2 sum g g' T, g = Z'W(y - Xb - Zu) of a term (the rest of r^2 is at its minimum).

    Of a term of the chain g = (I - A H) h, with h its sums once the effects of all later columns are taken off; of the tail
    g is what the reduced equations leave, for those of the chain hold.
    """
    layout, p, r = moments.layout.parts, moments.p, len(s.rest)
    end, triangles = int(layout.starts[-1]), [triangles[k] for k in layout.term]
    both = linalg.solve_triangular(s.factor, s.seen, lower=True, trans="T", check_finite=False)
    effects, beta = np.zeros(end), both[r:]
    effects[end - r :] = _spread(layout, triangles, both[:r, None])[:, 0]
    left = s.border[:, -1] - s.rest @ effects[end - r :] - s.border[:, :p] @ beta
    at, found = end - r, []
    for k in range(layout.chain, len(triangles)):
        g = left[layout.rows(k).start - at : layout.rows(k).stop - at].reshape(-1, layout.dims[k])
        found.append(-2 * (g.T @ g) @ triangles[k])
    for k in range(layout.chain - 1, -1, -1):
        step, rows = s.steps[k], layout.stages[k].rows(s.steps[k].right, end)
        h = (step.border.reshape(-1, p + 1) @ np.append(-beta, 1.0)).reshape(-1, layout.dims[k], 1)
        h -= np.stack([row @ effects for row in rows], axis=1)[:, :, None]
        own = _product(step.shrink, h)
        effects[layout.rows(k)] = own.ravel()
        g = (h - _product(step.own, own))[:, :, 0]
        found.insert(0, -2 * (g.T @ g) @ triangles[k])
    return layout.by_term(found)


def inverse_times(
    moments: Moments, triangles: Triangles, s: Solved, random: Floats, fixed: Floats
) -> tuple[Floats, Floats]:
    """Multiply the mixed-model equations' inverse by columns: (q, m) and (p, m) in and out, without the factor s^2.

    Henderson (1975), Biometrics 31: times s^2 this is the covariance of fixed effects and of prediction errors.
    """
    layout, p = moments.layout.parts, moments.p
    end, triangles = int(layout.starts[-1]), [triangles[k] for k in layout.term]
    rest, border, parts = layout.placed(random), fixed, []
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
    return layout.back(effects), beta


def own_blocks(layout: Layout, store: Floats, k: int) -> Floats:
    """The blocks of a term on the diagonal, (q, d, d), out of a store."""
    parts, d = layout.parts, layout.dims[k]
    found = np.empty((layout.levels[k], d, d))
    for j in (j for j, term in enumerate(parts.term) if term == k):
        places = np.arange(parts.levels[j] * d) + parts.rows(j).start
        columns = places if parts.column is None else parts.column[places]
        found[(columns[::d] - layout.starts[k]) // d] = _own(parts, store, j)
    return found


def _own(parts: Parts, store: Floats, j: int) -> Floats:
    """The blocks of a part on the diagonal, (q, d, d)."""
    q, d = parts.levels[j], parts.dims[j]
    if j < parts.chain:
        return store[parts.stages[j].own].reshape(q, d, d)
    first = int(parts.starts[parts.chain])
    r, at = int(parts.starts[-1]) - first, parts.rows(j).start - first
    rows = at + np.arange(q * d).reshape(q, d)
    return store[parts.tail].reshape(r, r)[rows[:, :, None], rows[:, None, :]]


def _step(layout: Parts, k: int, store: Floats, t: Floats, border: Floats) -> tuple[Step, float]:
    q, d, stage = layout.levels[k], layout.dims[k], layout.stages[k]
    at = len(store) - layout.size  # what was removed before is no longer in the store
    own = store[stage.own.start + at : stage.own.stop + at].reshape(q, d, d)
    right = store[stage.right.start + at : stage.right.stop + at].reshape(d, -1)
    dense = _dense(layout, stage, right) if stage.pairs is None else None
    if d == 1:
        inner = 1 / (1 + t[0, 0] ** 2 * own)
        log_d = -float(np.log(inner).sum())
        return Step(own, inner, t[0, 0] ** 2 * inner, right, border.reshape(q, d, -1), dense), log_d
    own = np.triu(own) + np.swapaxes(np.triu(own, 1), 1, 2)  # only this half was counted
    outer = np.eye(d) + t.T @ own @ t
    log_d = float(np.linalg.slogdet(outer)[1].sum())
    inner = np.asarray(np.linalg.inv(outer), np.float64)
    return Step(own, inner, np.asarray(t @ inner @ t.T), right, border.reshape(q, d, -1), dense), log_d


def _shared_step(moments: Moments, t: float, squares: Squares) -> Step:
    """The first term's step where its levels share their H."""
    stage, q = moments.layout.stages[0], len(squares.kind)
    inner = squares.inner(t).take(squares.kind).reshape(q, 1, 1)
    own, right = moments.store[stage.own].reshape(q, 1, 1), moments.store[stage.right].reshape(1, -1)
    return Step(own, inner, t**2 * inner, right, moments.zx[:q].reshape(q, 1, -1), None)


def _product(blocks: Floats, columns: Floats) -> Floats:
    """Blocks (q, d, d) times (q, d, m); single numbers without a product of matrices a level."""
    return blocks * columns if blocks.shape[1] == 1 else blocks @ columns


def _weighted(stage: Stage, shrink: Floats, right: Floats) -> Floats:
    """H F, (d, E)."""
    if len(right) == 1:
        return shrink[stage.level, 0, 0] * right
    return np.einsum("eab,be->ae", shrink[stage.level], right)


def _reduced(layout: Parts, stage: Stage, store: Floats, step: Step) -> Floats:
    """The store of what comes after a term, the term removed: less F'HF, on and above the diagonal."""
    rest = store[len(store) - (layout.size - stage.after) :]
    if step.dense is not None:
        return rest - _squared(step.dense, step.shrink).ravel()
    assert stage.pairs is not None
    left, other, target, _ = stage.pairs
    few = len(target) < len(rest) / FEW
    if few:  # what was removed before left a store of its own
        rest = rest.copy() if stage.own.start == 0 else rest
    for f, w in zip(step.right, _weighted(stage, step.shrink, step.right), strict=True):
        if few:
            np.subtract.at(rest, target, f.take(left) * w.take(other))
        else:
            rest = rest - np.bincount(target, f.take(left) * w.take(other), len(rest))
    return rest


def _squared(dense: Floats, shrink: Floats) -> Floats:
    """F'HF out of (d, q, r)."""
    if len(dense) == 1:
        half = dense[0] * np.sqrt(shrink[:, :, 0])
        return half.T @ half  # of one matrix, which halves the work
    weighted = np.einsum("qab,bqr->aqr", shrink, dense)
    return np.sum([f.T @ w for f, w in zip(dense, weighted, strict=True)], axis=0)


def _dense(layout: Parts, stage: Stage, values: Floats) -> Floats:
    """Entries laid out in full over the tail's columns, a matrix a dimension."""
    first = int(layout.starts[layout.chain])
    r = int(layout.starts[-1]) - first
    found = np.zeros((len(values), len(stage.indptr) - 1, r))
    at = stage.level * r + (stage.column - first)
    for a, row in enumerate(values):
        found[a].ravel()[at] = row
    return found


def _times(layout: Parts, stage: Stage, step: Step, store: Floats, by_x: Floats | None) -> Floats:
    """F Q at the stage's entries, (d, E), Q the inverse of what comes after; with `by_x` F Q + B Q_x'."""
    p = step.border.shape[2] - 1
    if step.dense is not None:
        first = int(layout.starts[layout.chain])
        r = int(layout.starts[-1]) - first
        inner, at = store[layout.tail].reshape(r, r), stage.level * r + (stage.column - first)
        whole = [f @ inner for f in step.dense]
        if by_x is not None:
            whole = [v + step.border[:, a, :p] @ by_x[first:].T for a, v in enumerate(whole)]
        return np.stack([v.ravel().take(at) for v in whole])
    assert stage.pairs is not None
    left, other, target, same = stage.pairs
    known, size = store[stage.after :].take(target), len(stage.level)
    found = np.empty((len(step.right), size))
    for a, f in enumerate(step.right):
        found[a] = np.bincount(left, f.take(other) * known, size) - f * known[same]
        found[a] += np.bincount(other, f.take(left) * known, size)
    return found if by_x is None else found + _met(stage, step.border[:, :, :p], by_x)


def _met(stage: Stage, b: Floats, by_x: Floats) -> Floats:
    """B' Q_x at the stage's entries, (d, E): column by column, which reads memory in order."""
    counts, found = np.diff(stage.indptr), np.zeros((b.shape[1], len(stage.level)))
    for c in range(by_x.shape[1]):
        known = np.ascontiguousarray(by_x[:, c]).take(stage.column)
        for a in range(len(found)):
            found[a] += np.repeat(b[:, a, c], counts) * known
    return found


def _by_level(layout: Parts, k: int, stage: Stage, one: Floats, two: Floats) -> Floats:
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


def _factor(layout: Parts, triangles: Triangles, rest: Floats, border: Floats, corner: Floats) -> Floats:
    """Lower Cholesky factor of the scaled tail bordered by X."""
    r, p = len(rest), len(corner) - 1
    whole = np.empty((r + p, r + p))  # its upper half by rows is LAPACK's lower one by columns, which spares a copy
    transposed = [t.T for t in triangles]
    _each(layout, transposed, _across(layout, transposed, rest), whole[:r, :r])
    whole.ravel()[: r * (r + p + 1) : r + p + 1] += 1.0
    whole[:r, r:] = _scaled(layout, triangles, border[:, :-1])
    whole[r:, r:] = corner[:-1, :-1]
    return np.asarray(linalg.cholesky(whole.T, lower=True, check_finite=False, overwrite_a=True))


def _tail_inverse(
    moments: Moments, triangles: Triangles, s: Solved, fixed: bool
) -> tuple[Floats, Floats, Floats, list[Floats]]:
    """Inverse of the tail, written into an empty store, and the slopes of the tail's terms."""
    layout, p, r = moments.layout.parts, moments.p, len(s.rest)
    size, end = r + p if fixed else r, int(layout.starts[-1])
    v = linalg.lapack.dpotri(s.factor[:size, :size], lower=1)[0].T if size else np.zeros((0, 0))
    _mirrored(v)
    half = _across(layout, triangles, v[:r, :r])
    store, by_x, xx = np.empty(layout.size), np.zeros((end, p)), np.zeros((p, p))
    slopes = _slopes_of_tail(layout, s.rest, half)
    if fixed:
        by_x[end - r :], xx = _spread(layout, triangles, v[:r, r:]), v[r:, r:]
        more = _slopes_of_tail(layout, s.border[:, :p], v[:r, r:])
        slopes = [a + b for a, b in zip(slopes, more, strict=True)]
    _each(layout, triangles, half, store[layout.tail].reshape(r, r))
    return store, by_x, xx, slopes


def _mirrored(v: Floats, width: int = 64) -> None:
    """Copy the upper half of a matrix to the lower one, in strips that stay near."""
    for at in range(0, len(v), width):
        end = at + width
        v[end:, at:end] = v[at:end, end:].T
        inner = v[at:end, at:end]
        inner[...] = np.triu(inner) + np.triu(inner, 1).T


def _slopes_of_tail(layout: Parts, one: Floats, other: Floats) -> list[Floats]:
    """Twice the sum of the blocks on the diagonal of a product of (r, m) and the other's transpose, term by term."""
    found, first = [], int(layout.starts[layout.chain])
    for k in range(layout.chain, len(layout.levels)):
        d, rows = layout.dims[k], slice(layout.rows(k).start - first, layout.rows(k).stop - first)
        left, right = one[rows], other[rows]
        blocks = [[2 * np.einsum("ij,ij->", left[a::d], right[b::d]) for b in range(d)] for a in range(d)]
        found.append(np.array(blocks).reshape(d, d))
    return found


def _scaled(layout: Parts, triangles: Triangles, values: Floats) -> Floats:
    """Lambda' times rows of the tail."""
    return _each(layout, [t.T for t in triangles], values)


def _spread(layout: Parts, triangles: Triangles, values: Floats) -> Floats:
    """Lambda times rows of the tail."""
    return _each(layout, triangles, values)


def _across(layout: Parts, blocks: Triangles, values: Floats) -> Floats:
    """A symmetric matrix of the tail times the transpose of the blocks, row by row."""
    if any(d > 1 for d in layout.dims[layout.chain :]):
        return np.ascontiguousarray(_each(layout, blocks, values).T)
    return values * np.repeat([t[0, 0] for t in blocks[layout.chain :]], layout.levels[layout.chain :])


def _each(layout: Parts, blocks: Triangles, values: Floats, out: Floats | None = None) -> Floats:
    """Blocks times rows of the tail."""
    found, first = np.empty_like(values) if out is None else out, int(layout.starts[layout.chain])
    for k in range(layout.chain, len(layout.levels)):
        rows = slice(layout.rows(k).start - first, layout.rows(k).stop - first)
        if layout.dims[k] == 1:
            np.multiply(values[rows], blocks[k][0, 0], out=found[rows])
        else:
            q, d = layout.levels[k], layout.dims[k]
            found[rows] = (blocks[k] @ values[rows].reshape(q, d, -1)).reshape(q * d, -1)
    return found
