r"""Linear mixed model with crossed or nested random intercepts, fitted from cell statistics.

Source: counts, sums and cross-products collected in one pass; nothing here sees a row again. Model, in the symbols of
Bates, Machler, Bolker & Walker (2015), J. Statistical Software 67(1), sections 3.4 and 3.6:

    y = X b + Z u' + e,   u'_k ~ N(0, s^2 theta_k^2 I),   e ~ N(0, s^2 W^-1)

The profiled criterion needs log|L|^2, log|R_X|^2 and the penalised residual sum of squares r^2. All three come out of one
elimination: a factor whose block is diagonal is removed level by level (the factor with most levels, then those in which
all removed ones are nested), the rest by a dense Cholesky factor of the system bordered by X and y.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import linalg, optimize, sparse

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Matrix: TypeAlias = Any  # a dense array, or a sparse one
SINGULAR = 1e-4  # a standard deviation ratio below this counts as zero
SMALL = 300  # so many columns or fewer go to the dense part at once
LARGEST_OUTER = 3_000_000  # pairs held in memory
FLAT = 1e-3  # largest slope of the criterion at which a fit counts as converged


@dataclass(frozen=True, slots=True)
class Moments:
    """All that the fit needs of n rows; factors stand in the order of elimination."""

    n: int  #: rows
    order: tuple[int, ...]  #: position of each factor in the caller's order
    levels: tuple[int, ...]  #: levels of each factor, q in all
    diagonal: int  #: factors that can be eliminated level by level
    zz: sparse.csr_array  #: (q, q) Z'WZ
    own: Floats  #: (q1,) diagonal of the first factor's block
    right: sparse.csr_array  #: (q1, q - q1) the first factor's rows of it
    turned: sparse.csr_array  #: (q - q1, q1) its transpose
    below: Matrix  #: (q - q1, q - q1) the block of the others; dense where the rest goes to the dense part
    zx: Floats  #: (q, p + 1) Z'W[X y]
    xx: Floats  #: (p + 1, p + 1) [X y]'W[X y]
    first: Outer | None  #: the first elimination laid out; None where it would be larger than a dense product
    count: Floats  #: (q,) rows of each level
    log_weights: float  #: sum of log w

    @property
    def p(self) -> int:
        """Number of fixed effects."""
        return len(self.xx) - 1

    @property
    def starts(self) -> Ints:
        """First column of each factor, and the end."""
        return np.concatenate([[0], np.cumsum(self.levels)]).astype(np.int64)


@dataclass(frozen=True, slots=True)
class Outer:
    """Pairs of non-zeros in each row of a matrix A, so that A' diag(v) A is one weighted count."""

    row: Ints  #: row of A
    target: Ints  #: position in the flattened (r, r) product
    value: Floats  #: product of the pair


@dataclass(frozen=True, slots=True)
class Step:
    """One factor removed level by level."""

    shrink: Floats  #: theta^2 / (1 + theta^2 k), k the diagonal of the factor's block
    right: sparse.csr_array  #: its block's columns of the factors that remain
    border: Floats  #: its rows of Z'W[X y]


@dataclass(frozen=True, slots=True)
class Solved:
    """The system at one theta."""

    steps: tuple[Step, ...]
    scale: Floats  #: (r,) theta of every column left to the dense part
    factor: Floats  #: (r + p + 1, r + p + 1) lower Cholesky factor
    log_l: float  #: log|L|^2
    log_x: float  #: log|R_X|^2
    pwrss: float  #: penalised weighted residual sum of squares r^2


@dataclass(frozen=True, slots=True)
class Fit:
    """The fitted model; everything in elimination order."""

    theta: Floats  #: (factors,) standard deviation of each factor over that of the residual
    sigma: float  #: residual standard deviation
    deviance: float  #: REML criterion or deviance, -2 log-likelihood
    converged: bool
    solved: Solved
    beta: Floats  #: (p,)
    effects: Floats  #: (q,) predicted random effects


def collect(y: Floats, x: Floats, codes: list[Ints], levels: list[int], weights: Floats | None) -> Moments:
    """Make cell statistics of the rows.

    Parameters
    ----------
    y : (n,) float
        Outcome; centre it, so that r^2 keeps its digits.
    x : (n, p) float
        Fixed effects.
    codes : list of (n,) int
        Level of each row, a factor an entry.
    levels : list of int
        Number of levels of each factor.
    weights : (n,) float or None
        Precision weights above zero.
    """
    order = tuple(int(k) for k in np.argsort([-q for q in levels], kind="stable"))
    w = np.ones(len(y)) if weights is None else weights
    cell, cells = _cells([codes[k] for k in order], [levels[k] for k in order])
    xy = np.column_stack([x, y])
    starts = np.concatenate([[0], np.cumsum([levels[k] for k in order])])
    columns = (cells + starts[:-1]).ravel()
    z = sparse.csr_array(
        (np.ones(cells.size), columns, np.arange(0, cells.size + 1, cells.shape[1])), shape=(len(cells), starts[-1])
    )
    sums = np.column_stack([np.bincount(cell, w * column, len(cells)) for column in xy.T])
    zz = sparse.csr_array(z.T @ (sparse.diags_array(np.bincount(cell, w, len(cells))) @ z))
    count = z.T @ np.bincount(cell, minlength=len(cells)).astype(float)
    sizes = tuple(levels[k] for k in order)
    border = xy.T @ (w[:, None] * xy)
    diagonal, q = _diagonal(cells), sizes[0]
    right, below = sparse.csr_array(zz[:q, q:]), sparse.csr_array(zz[q:, q:])
    outer = _outer(right) if diagonal == 1 else None
    rest = below if outer is None else below.toarray()
    logs = float(np.log(w).sum())
    own, turned = zz.diagonal()[:q], sparse.csr_array(right.T)
    return Moments(len(y), order, sizes, diagonal, zz, own, right, turned, rest, z.T @ sums, border, outer, count, logs)


def solve(moments: Moments, theta: Floats) -> Solved:
    """Eliminate the random effects at theta."""
    k, border, corner = moments.zz, moments.zx, moments.xx
    log_l, steps = 0.0, []
    for j in range(moments.diagonal):
        q = moments.levels[j]
        own = moments.own if j == 0 else k.diagonal()[:q]
        shrink = theta[j] ** 2 / (1 + theta[j] ** 2 * own)
        right = moments.right if j == 0 else sparse.csr_array(k[:q, q:])
        turned = moments.turned if j == 0 else sparse.csr_array(right.T)
        log_l += float(np.log1p(theta[j] ** 2 * own).sum())
        steps.append(Step(shrink, right, border[:q]))
        weighted = shrink[:, None] * border[:q]
        k = _reduced(moments, k, right, shrink, first=j == 0)
        corner = corner - border[:q].T @ weighted
        border = border[q:] - turned @ weighted
    scale = np.repeat(theta[moments.diagonal :], moments.levels[moments.diagonal :])
    factor = linalg.cholesky(_bordered(k, border, corner, scale), lower=True, check_finite=False)
    diagonal = np.log(np.diag(factor)) * 2
    r = len(scale)
    return Solved(
        tuple(steps), scale, factor, log_l + diagonal[:r].sum(), diagonal[r:-1].sum(), float(factor[-1, -1] ** 2)
    )


def deviance(moments: Moments, theta: Floats, *, reml: bool) -> float:
    """-2 log-likelihood at theta, profiled over the fixed effects and the residual variance.

    With N = n - p under REML, otherwise n: log|L|^2 [+ log|R_X|^2] + N (1 + log(2 pi r^2 / N)) - sum log w.
    """
    s = solve(moments, theta)
    free = moments.n - moments.p if reml else moments.n
    profile = free * (1 + np.log(2 * np.pi * s.pwrss / free))
    return s.log_l + (s.log_x if reml else 0.0) + profile - moments.log_weights


def fit(moments: Moments, *, reml: bool) -> Fit:
    """Minimise the criterion over theta >= 0, and look again at every bound that holds."""
    goal = _goal(moments, reml)
    size = len(moments.levels)
    found = _descend(goal, np.full(size, 0.5))
    for j in map(int, np.flatnonzero(found.x < SINGULAR)):
        tries = [_moved(found.x, j, value) for value in (0.02, 0.1, 0.5)]
        better = [t for t in tries if goal(t) < found.fun - 1e-9]
        if better:
            found = min(found, _descend(goal, min(better, key=goal)), key=lambda r: r.fun)
    theta = _polished(goal, _settled(goal, found.x))
    s = solve(moments, theta)
    free = moments.n - moments.p if reml else moments.n
    beta, effects = _predictors(moments, s)
    flat = bool(np.abs(np.where(theta > 0, _slope(goal, theta), 0.0)).max(initial=0.0) < FLAT)
    return Fit(theta, float(np.sqrt(s.pwrss / free)), goal(theta), flat, s, beta, effects)


def inverse_times(moments: Moments, s: Solved, random: Floats, fixed: Floats) -> tuple[Floats, Floats]:
    """Multiply the mixed-model equations' inverse by columns: (q, m) and (p, m) in and out, without the factor s^2.

    Henderson (1975), Biometrics 31: times s^2 this is the covariance of fixed effects and of prediction errors.
    """
    rest, border, parts = random, fixed, []
    for step in s.steps:
        part, below = rest[: len(step.shrink)], rest[len(step.shrink) :]
        weighted = step.shrink[:, None] * part
        rest, border = below - step.right.T @ weighted, border - step.border[:, :-1].T @ weighted
        parts.append(part)
    r, p = len(s.scale), moments.p
    both = np.vstack([s.scale[:, None] * rest, border])
    both = linalg.cho_solve((s.factor[: r + p, : r + p], True), both, check_finite=False)
    effects, beta = s.scale[:, None] * both[:r], both[r:]
    for step, part in zip(reversed(s.steps), reversed(parts), strict=True):
        own = step.shrink[:, None] * (part - step.right @ effects - step.border[:, :-1] @ beta)
        effects = np.vstack([own, effects])
    return effects, beta


def prediction_variances(moments: Moments, s: Solved, block: int = 512) -> Floats:
    """Diagonal of the inverse for the random effects, (q,), without the factor s^2."""
    q, found = len(moments.count), []
    for start in range(0, q, block):
        stop = min(start + block, q)
        unit = np.zeros((q, stop - start))
        unit[np.arange(start, stop), np.arange(stop - start)] = 1.0
        below, _ = inverse_times(moments, s, unit, np.zeros((moments.p, stop - start)))
        found.append(below[np.arange(start, stop), np.arange(stop - start)])
    return np.concatenate(found) if found else np.zeros(0)


def fixed_covariance(moments: Moments, s: Solved) -> Floats:
    """Covariance of the fixed effects over s^2, (p, p): the inverse of R_X'R_X."""
    r, p = len(s.scale), moments.p
    half = linalg.solve_triangular(s.factor[r : r + p, r : r + p], np.eye(p), lower=True, check_finite=False)
    return half.T @ half


def parameter_covariance(moments: Moments, one: Fit, *, reml: bool) -> tuple[Ints, Floats]:
    """Covariance of (theta above zero, sigma): twice the inverse Hessian of the criterion not profiled over sigma.

    Returns the positions of the thetas above zero and the matrix (m + 1, m + 1); NaN where the Hessian is not positive.
    """
    live = np.flatnonzero(one.theta >= SINGULAR).astype(np.int64)
    free = moments.n - moments.p if reml else moments.n

    def parts(theta: Floats) -> tuple[float, float]:
        s = solve(moments, theta)
        return s.log_l + (s.log_x if reml else 0.0), s.pwrss

    def whole(theta: Floats) -> float:
        log_parts, pwrss = parts(theta)
        return log_parts + pwrss / one.sigma**2

    m = len(live)
    hessian = np.zeros((m + 1, m + 1))
    hessian[:m, :m] = _hessian(whole, one.theta, live)
    hessian[m, m] = 4 * free / one.sigma**2
    slope = _partials(lambda t: np.array([parts(t)[1]]), one.theta, live)[:, 0]
    hessian[m, :m] = hessian[:m, m] = -2 * slope / one.sigma**3
    if not np.isfinite(hessian).all() or np.linalg.eigvalsh(hessian).min() <= 0:
        return live, np.full(hessian.shape, np.nan)
    return live, np.asarray(2 * np.linalg.inv(hessian))


def satterthwaite(moments: Moments, one: Fit, contrasts: Floats, live: Ints, covariance: Floats) -> Floats:
    """Degrees of freedom 2 v^2 / (g'Ag) of each row of `contrasts` (m, p); Fai & Cornelius (1996), JSCS 54."""

    def unscaled(theta: Floats) -> Floats:
        return np.einsum("ij,jk,ik->i", contrasts, fixed_covariance(moments, solve(moments, theta)), contrasts)

    v = unscaled(one.theta)
    by_theta = one.sigma**2 * _partials(unscaled, one.theta, live)
    gradient = np.vstack([by_theta, 2 * one.sigma * v])
    spread = np.einsum("ai,ab,bi->i", gradient, covariance, gradient)
    return np.clip(2 * (one.sigma**2 * v) ** 2 / spread, 1.0, moments.n - moments.p)


def upper_limit(moments: Moments, one: Fit, j: int, rise: float, *, reml: bool) -> float:
    """Theta_j at which the criterion, others held, has risen by `rise`: the far end for a component at zero."""
    goal = _goal(moments, reml)
    high = 0.01
    while goal(_moved(one.theta, j, high)) - one.deviance < rise and high < 1e3:
        high *= 2
    return float(
        optimize.brentq(lambda t: goal(_moved(one.theta, j, t)) - one.deviance - rise, one.theta[j], high, xtol=1e-8)
    )


def _cells(codes: list[Ints], levels: list[int]) -> tuple[Ints, Ints]:
    """Number the combinations of levels that occur: cell of each row, and each cell's level of every factor."""
    key = np.zeros(len(codes[0]), np.int64)
    for code, size in zip(codes, levels, strict=True):
        key = np.unique(key * size + code, return_inverse=True)[1].astype(np.int64)
    first = np.unique(key, return_index=True)[1]
    return key, np.column_stack([code[first] for code in codes])


def _diagonal(cells: Ints) -> int:
    """Count the factors to eliminate level by level: all before are nested in the next, and more than `SMALL` remain."""
    rest, count = [len(np.unique(column)) for column in cells.T], 1
    while sum(rest[count:]) > SMALL and all(_nested(cells[:, a], cells[:, count]) for a in range(count)):
        count += 1
    return count


def _outer(right: sparse.csr_array) -> Outer | None:
    """Lay out A' diag(v) A for a sparse A."""
    counts = np.diff(right.indptr)
    if (counts.astype(float) ** 2).sum() > LARGEST_OUTER:
        return None
    row = np.repeat(np.arange(len(counts)), counts**2)
    within = np.arange(len(row)) - np.repeat(np.cumsum(counts**2) - counts**2, counts**2)
    i, j = np.divmod(within, counts[row])
    i, j = right.indptr[row] + i, right.indptr[row] + j
    target = right.indices[i].astype(np.int64) * right.shape[1] + right.indices[j]
    return Outer(row.astype(np.int64), target, right.data[i] * right.data[j])


def _nested(inner: Ints, outer: Ints) -> bool:
    pairs = np.unique(np.column_stack([inner, outer]), axis=0)
    return len(pairs) == len(np.unique(inner))


def _reduced(moments: Moments, k: Matrix, right: sparse.csr_array, shrink: Floats, *, first: bool) -> Matrix:
    """Block of the factors that remain after one is eliminated; dense once no other is removed level by level."""
    below = moments.below if first else sparse.csr_array(k[len(shrink) :, len(shrink) :])
    if first and moments.diagonal == 1 and moments.first is not None:
        outer = moments.first
        return below - np.bincount(outer.target, outer.value * shrink[outer.row], below.size).reshape(below.shape)
    return sparse.csr_array(below - right.T @ (sparse.diags_array(shrink) @ right))


def _bordered(k: Matrix, border: Floats, corner: Floats, scale: Floats) -> Floats:
    r = len(scale)
    dense = k if isinstance(k, np.ndarray) else k.toarray()
    whole = np.empty((r + len(corner), r + len(corner)))
    whole[:r, :r] = scale[:, None] * dense * scale + np.eye(r)
    whole[r:, :r] = (scale[:, None] * border).T
    whole[:r, r:] = whole[r:, :r].T
    whole[r:, r:] = corner
    return whole


def _goal(moments: Moments, reml: bool) -> Callable[[Floats], float]:
    def goal(theta: Floats) -> float:
        try:
            return deviance(moments, theta, reml=reml)
        except linalg.LinAlgError:
            return 1e300

    return goal


def _slope(goal: Callable[[Floats], float], theta: Floats) -> Floats:
    step = 1e-4 * np.maximum(np.abs(theta), 0.1)
    return np.array(
        [
            (goal(_moved(theta, j, t + h)) - goal(_moved(theta, j, t - h))) / (2 * h)
            for j, (t, h) in enumerate(zip(theta, step, strict=True))
        ]
    )


def _descend(goal: Callable[[Floats], float], start: Floats) -> optimize.OptimizeResult:
    return optimize.minimize(
        goal,
        start,
        jac=lambda t: _slope(goal, t),
        method="L-BFGS-B",
        bounds=[(0.0, None)] * len(start),
        options={"ftol": 1e-15, "gtol": 1e-5, "maxiter": 300, "maxls": 40},
    )


def _moved(theta: Floats, j: int, value: float) -> Floats:
    moved = np.array(theta, float)
    moved[j] = value
    return moved


def _settled(goal: Callable[[Floats], float], theta: Floats) -> Floats:
    """Put thetas that are as good as zero at zero."""
    for j in map(int, np.flatnonzero(theta < SINGULAR)):
        zero = _moved(theta, j, 0.0)
        theta = zero if goal(zero) <= goal(theta) + 1e-8 else theta
    return theta


def _polished(goal: Callable[[Floats], float], theta: Floats) -> Floats:
    """One Newton step over the thetas above zero, kept unless the criterion rises."""
    live = np.flatnonzero(theta >= SINGULAR).astype(np.int64)
    slope = _partials(lambda t: np.array([goal(t)]), theta, live)[:, 0]
    hessian = _hessian(goal, theta, live)
    if not len(live) or not np.isfinite(hessian).all() or np.linalg.eigvalsh(hessian).min() <= 0:
        return theta
    moved = np.array(theta)
    moved[live] -= np.linalg.solve(hessian, slope)
    return moved if (moved[live] > 0).all() and goal(moved) <= goal(theta) + 1e-9 else theta


def _predictors(moments: Moments, s: Solved) -> tuple[Floats, Floats]:
    effects, beta = inverse_times(moments, s, moments.zx[:, -1:], moments.xx[:-1, -1:])
    return beta[:, 0], effects[:, 0]


def _partials(function: Callable[[Floats], Floats], theta: Floats, live: Ints) -> Floats:
    rows = []
    for j in map(int, live):
        h = 1e-4 * theta[j]
        rows.append((function(_moved(theta, j, theta[j] + h)) - function(_moved(theta, j, theta[j] - h))) / (2 * h))
    return np.array(rows) if rows else np.zeros((0, len(function(theta))))


def _hessian(function: Callable[[Floats], float], theta: Floats, live: Ints) -> Floats:
    h = 1e-3 * theta
    middle = function(theta)
    found = np.zeros((len(live), len(live)))
    for a, i in enumerate(live):
        for b, j in enumerate(live[: a + 1]):
            found[a, b] = found[b, a] = _second(function, theta, middle, (i, h[i]), (j, h[j]))
    return found


def _second(
    function: Callable[[Floats], float], theta: Floats, middle: float, one: tuple[int, float], two: tuple[int, float]
) -> float:
    (i, hi), (j, hj) = one, two

    def at(a: float, b: float) -> float:
        shifted = np.array(theta)
        shifted[i] += a * hi
        shifted[j] += b * hj
        return function(shifted)

    if i == j:
        return (at(1, 0) - 2 * middle + at(-1, 0)) / hi**2
    return (at(1, 1) - at(1, -1) - at(-1, 1) + at(-1, -1)) / (4 * hi * hj)
