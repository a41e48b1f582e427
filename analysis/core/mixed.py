r"""Linear mixed model with crossed or nested random intercepts and slopes, fitted from cell statistics.

Source: `Moments`, collected in one pass; nothing here sees a row again. Model, in the symbols of Bates, Machler, Bolker &
Walker (2015), J. Statistical Software 67(1), sections 3.4 and 3.6:

    y = X b + Z u' + e,   u'_k ~ N(0, s^2 T_k T_k'),   e ~ N(0, s^2 W^-1)

The criterion is profiled over b and s; theta holds the free numbers of the lower triangles T_k, column by column, terms in the
order of elimination. Slopes are analytic: of the log-determinants by the inverse where Z'WZ has numbers, of the penalised
residual sum of squares r^2 by -2 sum g g' T, g the residual's sums Z'W e.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import linalg, optimize

from analysis.core import elimination
from analysis.core.elimination import Solved, inverse_times, own_blocks, solve
from analysis.core.mixed_cells import Layout, Moments, Term, collect, laid_out

__all__ = ["Fit", "Moments", "Shape", "Term", "collect", "inverse_times", "laid_out", "solve"]
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
SINGULAR = 1e-4  # a diagonal of T below this, its column of Z scaled to mean square one, counts as zero
FLAT = 1e-3  # largest slope of the criterion at which a fit counts as converged
STEP = 1e-4  # of differences of slopes, relative
STARTS = (0.02, 0.1, 0.5)  # tried for a diagonal that came to rest at zero


@dataclass(frozen=True, slots=True)
class Shape:
    """How theta fills the triangles."""

    term: Ints  #: (m,) term of each number
    row: Ints  #: (m,)
    column: Ints  #: (m,)
    dims: tuple[int, ...]

    @property
    def bounded(self) -> NDArray[np.bool_]:
        """True for diagonals, which are not below zero."""
        return self.row == self.column

    def triangles(self, theta: Floats) -> list[Floats]:
        """Lay theta out."""
        found = [np.zeros((d, d)) for d in self.dims]
        for k, i, j, value in zip(self.term, self.row, self.column, theta, strict=True):
            found[k][i, j] = value
        return found

    def gathered(self, blocks: Sequence[Floats]) -> Floats:
        """Pick theta's places out of blocks."""
        return np.array([blocks[k][i, j] for k, i, j in zip(self.term, self.row, self.column, strict=True)])


@dataclass(frozen=True, slots=True)
class Slopes:
    """The criterion at a theta."""

    value: float  #: `deviance`
    by_log: Floats  #: (m,) slopes of log|L|^2 [+ log|R_X|^2]
    by_pwrss: Floats  #: (m,) slopes of r^2
    pwrss: float  #: r^2
    free: int  #: N
    covariance: Floats  #: (p, p) of the fixed effects over s^2

    @property
    def profiled(self) -> Floats:
        """Slopes of `deviance`, (m,)."""
        return self.by_log + self.free / self.pwrss * self.by_pwrss


@dataclass(frozen=True, slots=True)
class Near:
    """The criterion a step up and down from an optimum, for each number of theta that is not held at zero."""

    places: Ints  #: (l,) positions in theta
    steps: Floats  #: (l,)
    up: tuple[Slopes, ...]
    down: tuple[Slopes, ...]

    def curved(self, up: Sequence[Floats], down: Sequence[Floats]) -> Floats:
        """Differences of something (m, ...) between up and down, over theta's places, (l, ...)."""
        pairs = zip(up, down, self.steps, strict=True)
        return np.array([(a - b) / (2 * h) for a, b, h in pairs]) if len(self.places) else np.zeros((0, 0))


@dataclass(frozen=True, slots=True)
class Fit:
    """The fitted model; terms in elimination order."""

    theta: Floats  #: free numbers of all T, in the units of the columns
    sigma: float  #: residual standard deviation
    deviance: float  #: REML criterion or deviance, -2 log-likelihood
    converged: bool  #: the criterion is flat at the optimum, bounds aside
    solved: Solved
    beta: Floats  #: (p,)
    effects: Floats  #: (q,) predicted random effects
    here: Slopes
    near: Near


def shaped(layout: Layout) -> Shape:
    """Find the shape of theta."""
    places = [
        (k, i, j)
        for k, d in enumerate(layout.dims)
        for j in range(d)
        for i in range(j, d)
        if layout.correlated[k] or i == j
    ]
    term, row, column = (np.array(v, dtype=np.int64) for v in zip(*places, strict=True))
    return Shape(term, row, column, layout.dims)


def units(moments: Moments, shape: Shape) -> Floats:
    """Root mean square of the column of Z behind each number of theta, (m,)."""
    roots = []
    for uses in moments.layout.uses:
        at = [moments.layout.products.index((i, i)) for i in uses]
        roots.append(np.sqrt(moments.products[:, at].sum(axis=0) / moments.n))
    return np.array([roots[k][i] for k, i in zip(shape.term, shape.row, strict=True)])


def deviance(moments: Moments, theta: Floats, *, reml: bool) -> float:
    """-2 log-likelihood at theta, profiled over the fixed effects and the residual variance.

    With N = n - p under REML, otherwise n: log|L|^2 [+ log|R_X|^2] + N (1 + log(2 pi r^2 / N)) - sum log w.
    """
    return _profiled(moments, solve(moments, shaped(moments.layout).triangles(theta)), reml)


def slopes(moments: Moments, theta: Floats, *, reml: bool) -> Slopes:
    """`deviance` and its slopes by theta."""
    shape = shaped(moments.layout)
    triangles = shape.triangles(theta)
    s = solve(moments, triangles)
    by_log = shape.gathered(elimination.inverse(moments, triangles, s, fixed=reml).slopes)
    by_pwrss = shape.gathered(_pwrss_slopes(moments, triangles, s))
    value, free = _profiled(moments, s, reml), _free(moments, reml)
    return Slopes(value, by_log, by_pwrss, s.pwrss, free, fixed_covariance(moments, s))


def fit(moments: Moments, *, reml: bool) -> Fit:
    """Minimise the criterion over theta, diagonals not below zero, and look again at every bound that holds."""
    shape = shaped(moments.layout)
    goal = _Goal(moments, reml, 1 / units(moments, shape))
    inner = _lowest(goal, shape.bounded)
    inner, near = _polished(goal, inner, live(inner, shape), shape.bounded)
    theta = inner * goal.scale
    here, s = goal.at(inner), solve(moments, shape.triangles(theta))
    beta, effects = predicted(moments, theta, s)
    flat = bool(np.abs((here.profiled * goal.scale)[near.places]).max(initial=0.0) < FLAT)
    return Fit(theta, float(np.sqrt(s.pwrss / here.free)), here.value, flat, s, beta, effects, here, near)


def held(moments: Moments, theta: Floats) -> NDArray[np.bool_]:
    """True for diagonals at zero, (m,)."""
    shape = shaped(moments.layout)
    return shape.bounded & (theta * units(moments, shape) < SINGULAR)


def live(inner: Floats, shape: Shape) -> Ints:
    """Positions in theta (in units of mean square one) that are not held at zero, nor below a diagonal that is."""
    zero = shape.bounded & (inner < SINGULAR)
    gone = [np.any(zero & (shape.term == k) & (shape.row == j)) for k, j in zip(shape.term, shape.column, strict=True)]
    return np.flatnonzero(~np.array(gone, bool)).astype(np.int64)


def predicted(moments: Moments, theta: Floats, s: Solved) -> tuple[Floats, Floats]:
    """Fixed effects and predicted random effects, (p,) and (q,)."""
    triangles = shaped(moments.layout).triangles(theta)
    effects, beta = inverse_times(moments, triangles, s, moments.zx[:, -1:], moments.xx[:-1, -1:])
    return beta[:, 0], effects[:, 0]


def prediction_variances(moments: Moments, one: Fit) -> list[Floats]:
    """Blocks of the inverse for each term's levels, (q, d, d), without the factor s^2: covariances of prediction errors."""
    triangles = shaped(moments.layout).triangles(one.theta)
    found = elimination.inverse(moments, triangles, one.solved, fixed=True)
    return [own_blocks(moments.layout, found.store, k) for k in range(len(moments.levels))]


def fixed_covariance(moments: Moments, s: Solved) -> Floats:
    """Covariance of the fixed effects over s^2, (p, p): the inverse of R_X'R_X."""
    r, p = len(s.rest), moments.p
    half = linalg.solve_triangular(s.factor[r : r + p, r : r + p], np.eye(p), lower=True, check_finite=False)
    return half.T @ half


def parameter_covariance(moments: Moments, one: Fit) -> tuple[Ints, Floats]:
    """Covariance of (theta not held at zero, sigma): twice the inverse Hessian of the criterion not profiled over sigma.

    Returns the positions of those thetas and the matrix (m + 1, m + 1); NaN where the Hessian is not positive.
    """
    near, m = one.near, len(one.near.places)
    hessian = np.zeros((m + 1, m + 1))
    if m:
        up, down = ([s.by_log + s.by_pwrss / one.sigma**2 for s in some] for some in (near.up, near.down))
        hessian[:m, :m] = near.curved(up, down)[:, near.places]
    hessian = (hessian + hessian.T) / 2
    hessian[m, m] = 4 * one.here.free / one.sigma**2
    hessian[m, :m] = hessian[:m, m] = -2 * one.here.by_pwrss[near.places] / one.sigma**3
    unit = np.append(1 / units(moments, shaped(moments.layout))[near.places], one.sigma)
    inside = hessian * np.outer(unit, unit)
    if not np.isfinite(inside).all() or np.linalg.eigvalsh(inside).min() <= 0:
        return near.places, np.full(hessian.shape, np.nan)
    return near.places, np.asarray(2 * np.linalg.inv(inside) * np.outer(unit, unit))


def satterthwaite(one: Fit, contrasts: Floats, covariance: Floats) -> Floats:
    """Degrees of freedom 2 v^2 / (g'Ag) of each row of `contrasts` (c, p); Fai & Cornelius (1996), JSCS 54.

    `covariance`: of (theta not held at zero, sigma), as `parameter_covariance` gives it.
    """

    def unscaled(s: Slopes) -> Floats:
        return np.einsum("ij,jk,ik->i", contrasts, s.covariance, contrasts)

    v, near = unscaled(one.here), one.near
    by_theta = near.curved([unscaled(s) for s in near.up], [unscaled(s) for s in near.down])
    gradient = np.vstack([one.sigma**2 * by_theta.reshape(-1, len(v)), 2 * one.sigma * v])
    spread = np.einsum("ai,ab,bi->i", gradient, covariance, gradient)
    return np.clip(2 * (one.sigma**2 * v) ** 2 / spread, 1.0, one.here.free)


def upper_limit(moments: Moments, one: Fit, j: int, rise: float, *, reml: bool) -> float:
    """Theta_j at which the criterion, others held, has risen by `rise`: the far end for a component at zero."""
    scale = 1 / units(moments, shaped(moments.layout))[j]

    def above(value: float) -> float:
        return deviance(moments, _moved(one.theta, j, value * scale), reml=reml) - one.deviance - rise

    high = 0.01
    while above(high) < 0 and high < 1e3:
        high *= 2
    return float(scale * optimize.brentq(above, one.theta[j] / scale, high, xtol=1e-8))


def _free(moments: Moments, reml: bool) -> int:
    return moments.n - moments.p if reml else moments.n


def _profiled(moments: Moments, s: Solved, reml: bool) -> float:
    free = _free(moments, reml)
    logs = s.log_l + (s.log_x if reml else 0.0) - moments.log_weights
    return float(logs + free * (1 + np.log(2 * np.pi * s.pwrss / free)))


def _pwrss_slopes(moments: Moments, triangles: list[Floats], s: Solved) -> list[Floats]:
    """Slopes of r^2 by each T: -2 sum g g' T, g = Z'W(y - Xb - Zu) (the rest of r^2 is at its minimum)."""
    effects, beta = inverse_times(moments, triangles, s, moments.zx[:, -1:], moments.xx[:-1, -1:])
    left = moments.zx[:, -1] - moments.zx[:, :-1] @ beta[:, 0] - moments.zz_times(effects[:, 0])
    found = []
    for k, t in enumerate(triangles):
        g = left[moments.layout.rows(k)].reshape(-1, len(t))
        found.append(-2 * (g.T @ g) @ t)
    return found


@dataclass(frozen=True, slots=True)
class _Goal:
    """The criterion over theta in units of mean square one; huge where it has no value."""

    moments: Moments
    reml: bool
    scale: Floats

    def __call__(self, inner: Floats) -> tuple[float, Floats]:
        try:
            found = self.at(inner)
        except linalg.LinAlgError:
            return 1e300, np.zeros(len(inner))
        return found.value, found.profiled * self.scale

    def at(self, inner: Floats) -> Slopes:
        """The criterion and its slopes, these in the units of the columns."""
        return slopes(self.moments, inner * self.scale, reml=self.reml)

    def value(self, inner: Floats) -> float:
        """The criterion alone."""
        try:
            return deviance(self.moments, inner * self.scale, reml=self.reml)
        except linalg.LinAlgError:
            return 1e300


def _lowest(goal: _Goal, bounded: NDArray[np.bool_]) -> Floats:
    found = _descend(goal, np.where(bounded, 0.5, 0.0), bounded)
    for j in map(int, np.flatnonzero(bounded & (found.x < SINGULAR))):
        tries = [_moved(found.x, j, value) for value in STARTS]
        better = [t for t in tries if goal.value(t) < found.fun - 1e-9]
        if better:
            found = min(found, _descend(goal, min(better, key=goal.value), bounded), key=lambda r: r.fun)
    return _settled(goal, found.x, bounded)


def _descend(goal: _Goal, start: Floats, bounded: NDArray[np.bool_]) -> optimize.OptimizeResult:
    """Search where all directions bend about alike: the criterion bends in theta the more, the more levels its term has."""
    layout = goal.moments.layout
    root = 3 * np.sqrt(np.array(layout.levels, float) / max(layout.levels))[shaped(layout).term]
    bounds = [(0.0 if b else None, None) for b in bounded]

    def stretched(z: Floats) -> tuple[float, Floats]:
        value, slope = goal(z / root)
        return value, slope / root

    options = {"ftol": 1e-9, "gtol": 1e-5, "maxiter": 300, "maxls": 40}
    found = optimize.minimize(stretched, start * root, jac=True, method="L-BFGS-B", bounds=bounds, options=options)
    found.x = found.x / root
    return found


def _moved(theta: Floats, j: int, value: float) -> Floats:
    moved = np.array(theta, float)
    moved[j] = value
    return moved


def _settled(goal: _Goal, inner: Floats, bounded: NDArray[np.bool_]) -> Floats:
    """Put diagonals that are as good as zero at zero."""
    for j in map(int, np.flatnonzero(bounded & (inner < SINGULAR))):
        zero = _moved(inner, j, 0.0)
        inner = zero if goal.value(zero) <= goal.value(inner) + 1e-8 else inner
    return inner


def _around(goal: _Goal, inner: Floats, places: Ints) -> Near:
    steps = STEP * np.maximum(np.abs(inner[places]), 0.1)
    up, down = (
        tuple(goal.at(_moved(inner, int(j), inner[j] + sign * h)) for j, h in zip(places, steps, strict=True))
        for sign in (1, -1)
    )
    return Near(places, steps * goal.scale[places], up, down)


def _polished(goal: _Goal, inner: Floats, places: Ints, bounded: NDArray[np.bool_]) -> tuple[Floats, Near]:
    """Newton steps over what is not held at zero, kept while the slope falls; the curvature is kept for later."""
    near, scale = _around(goal, inner, places), goal.scale[places]
    if not len(places):
        return inner, near
    hessian = near.curved([s.profiled for s in near.up], [s.profiled for s in near.down])[:, places] * np.outer(
        scale, scale
    )
    hessian = (hessian + hessian.T) / 2
    if not np.isfinite(hessian).all() or np.linalg.eigvalsh(hessian).min() <= 0:
        return inner, near
    slope = goal(inner)[1]
    for _ in range(3):
        moved = np.array(inner)
        moved[places] -= np.linalg.solve(hessian, slope[places])
        after = goal(moved)[1]
        if (moved[bounded & (inner > 0)] <= 0).any() or np.abs(after[places]).max() >= np.abs(slope[places]).max():
            break
        inner, slope = moved, after
        if np.abs(slope[places]).max() < 1e-6:
            break
    return inner, near
