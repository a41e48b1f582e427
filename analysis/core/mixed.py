r"""Linear mixed model with crossed or nested random intercepts and slopes, fitted from cell statistics.

Source: `Moments`, collected in one pass; nothing here sees a row again. Model, in the symbols of Bates, Machler, Bolker &
Walker (2015), J. Statistical Software 67(1), sections 3.4 and 3.6:

    y = X b + Z u' + e,   u'_k ~ N(0, s^2 T_k T_k'),   e ~ N(0, s^2 W^-1)

The criterion is profiled over b and s. T_k = B_k L_k, where B_k makes a term's columns orthogonal with mean square one (of
uncorrelated ones: of mean square one), so that the search does not depend on where a slope's column has its zero; theta holds
the free numbers of the lower triangles L_k, column by column, terms in the order of elimination. Slopes are analytic: of the
log-determinants by the inverse where Z'WZ has numbers, of the penalised residual sum of squares r^2 by -2 sum g g' T, g the
residual's sums Z'W e.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy import linalg, optimize

from analysis.core import elimination
from analysis.core.elimination import Solved, inverse_times, own_blocks, solve
from analysis.core.mixed_cells import Layout, Moments, Term, collect, counting, laid_out
from analysis.core.mixed_squares import Squares, squares

__all__ = ["Again", "Fit", "Moments", "Shape", "Term", "collect", "counting", "inverse_times", "laid_out", "solve"]
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
SINGULAR = 1e-4  # a diagonal of L below this counts as zero
FLAT = 1e-3  # largest slope of the criterion at which a fit counts as converged
STEP = 1e-4  # of differences of slopes, relative
NEAR = 1e-5  # theta moved by less has the same curvature
TURNS = 2  # of the approach before the search
STARTS = (0.02, 0.1, 0.5)  # tried for a diagonal that came to rest at zero


@dataclass(frozen=True, slots=True)
class Shape:
    """How theta makes the relative covariances."""

    term: Ints  #: (m,) term of each number
    row: Ints  #: (m,)
    column: Ints  #: (m,)
    bases: tuple[Floats, ...]  #: B of each term, (d, d)

    @property
    def bounded(self) -> NDArray[np.bool_]:
        """True for diagonals, which are not below zero in a fit."""
        return self.row == self.column

    def triangles(self, theta: Floats) -> list[Floats]:
        """T = B L of each term."""
        found = [np.zeros(base.shape) for base in self.bases]
        for k, i, j, value in zip(self.term, self.row, self.column, theta, strict=True):
            found[k][i, j] = value
        return [base @ inner for base, inner in zip(self.bases, found, strict=True)]

    def gathered(self, blocks: Sequence[Floats]) -> Floats:
        """Slopes by theta out of slopes by each T."""
        inner = [base.T @ block for base, block in zip(self.bases, blocks, strict=True)]
        return np.array([inner[k][i, j] for k, i, j in zip(self.term, self.row, self.column, strict=True)])

    def variance_slopes(self, theta: Floats, k: int, a: int) -> Floats:
        """Slopes by theta of (T T')_aa of a term, (m,)."""
        t, base = self.triangles(theta)[k], self.bases[k]
        own = [
            2 * base[a, i] * t[a, j] if h == k else 0.0
            for h, i, j in zip(self.term, self.row, self.column, strict=True)
        ]
        return np.array(own)

    def settled(self, theta: Floats) -> Floats:
        """The same covariances with diagonals not below zero, and nothing under a diagonal that is as good as zero."""
        found = np.array(theta)
        for k, base in enumerate(self.bases):
            own, inner = np.flatnonzero(self.term == k), np.zeros(base.shape)
            inner[self.row[own], self.column[own]] = theta[own]
            found[own] = _triangle(inner @ inner.T)[self.row[own], self.column[own]]
        return found

    def held(self, theta: Floats) -> NDArray[np.bool_]:
        """True for diagonals at zero, (m,)."""
        return self.bounded & (theta < SINGULAR)

    def live(self, theta: Floats) -> Ints:
        """Positions that are not held at zero, nor in the column of a diagonal that is."""
        zero = self.held(theta)
        pairs = zip(self.term, self.column, strict=True)
        gone = [np.any(zero & (self.term == k) & (self.row == j)) for k, j in pairs]
        return np.flatnonzero(~np.array(gone, bool)).astype(np.int64)


@dataclass(frozen=True, slots=True)
class Slopes:
    """The criterion at a theta."""

    value: float  #: `deviance`
    by_log: Floats  #: (m,) slopes of log|L|^2 [+ log|R_X|^2]
    by_pwrss: Floats  #: (m,) slopes of r^2
    pwrss: float  #: r^2
    free: float  #: N
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

    shape: Shape
    theta: Floats  #: free numbers of all L
    sigma: float  #: residual standard deviation
    deviance: float  #: REML criterion or deviance, -2 log-likelihood
    converged: bool  #: the criterion is flat at the optimum, bounds aside
    solved: Solved
    beta: Floats  #: (p,)
    effects: Floats  #: (q,) predicted random effects
    here: Slopes
    near: Near


@dataclass(frozen=True, slots=True)
class Again:
    """Another optimum of the same model, without its curvature."""

    theta: Floats
    sigma: float
    beta: Floats  #: (p,)
    converged: bool


def _triangle(covariance: Floats) -> Floats:
    """Lower triangle of a covariance that may be singular (Cholesky's recursion)."""
    found = np.zeros(covariance.shape)
    for j in range(len(covariance)):
        left = covariance[j:, j] - found[j:] @ found[j]
        if left[0] > SINGULAR**2:
            found[j:, j] = left / np.sqrt(left[0])
    return found


def shaped(layout: Layout, means: Floats) -> Shape:
    """Find the shape of theta. `means`: mean products of the columns of u, in the layout's order."""
    places, bases = [], []
    square = dict(zip(layout.products, means, strict=True))
    for k, uses in enumerate(layout.uses):
        own, d = np.array([[square[min(i, j), max(i, j)] for j in uses] for i in uses]), len(uses)
        together = layout.correlated[k]
        bases.append(np.linalg.inv(np.linalg.cholesky(own)).T if together else np.diag(1 / np.sqrt(np.diag(own))))
        places += [(k, i, j) for j in range(d) for i in range(j, d) if together or i == j]
    term, row, column = (np.array(v, dtype=np.int64) for v in zip(*places, strict=True))
    return Shape(term, row, column, tuple(bases))


def shape_of(moments: Moments) -> Shape:
    """The shape by the moments' own products."""
    return shaped(moments.layout, moments.products.sum(axis=0) / moments.n)


def deviance(moments: Moments, shape: Shape, theta: Floats, *, reml: bool) -> float:
    """-2 log-likelihood at theta, profiled over the fixed effects and the residual variance.

    With N = n - p under REML, otherwise n: log|L|^2 [+ log|R_X|^2] + N (1 + log(2 pi r^2 / N)) - sum log w.
    """
    return _profiled(moments, solve(moments, shape.triangles(theta)), reml)


def slopes(moments: Moments, shape: Shape, theta: Floats, *, reml: bool, shared: Squares | None = None) -> Slopes:
    """`deviance` and its slopes by theta; `shared` of the moments makes it cheaper."""
    triangles = shape.triangles(theta)
    s = solve(moments, triangles, shared)
    found = elimination.inverse(moments, triangles, s, fixed=reml, whole=False, squares=shared)
    by_log = shape.gathered(found.slopes)
    by_pwrss = shape.gathered(elimination.pwrss_slopes(moments, triangles, s))
    value, free = _profiled(moments, s, reml), _free(moments, reml)
    return Slopes(value, by_log, by_pwrss, s.pwrss, free, fixed_covariance(moments, s))


def fit(moments: Moments, *, reml: bool) -> Fit:
    """Minimise the criterion over theta, diagonals not below zero, and look again at every bound that holds."""
    goal = _Goal(moments, shape_of(moments), reml, squares(moments))
    theta, near = _polished(goal, _lowest(goal))
    here, triangles = goal.at(theta), goal.shape.triangles(theta)
    s = solve(moments, triangles)
    beta, effects = predicted(moments, triangles, s)
    flat = bool(np.abs(here.profiled[near.places]).max(initial=0.0) < FLAT)
    sigma = float(np.sqrt(s.pwrss / here.free))
    return Fit(goal.shape, theta, sigma, here.value, flat, s, beta, effects, here, near)


def fit_again(moments: Moments, one: Fit, *, reml: bool) -> Again:
    """Minimise the criterion of other weights of the same rows, beginning at the theta of `one`.

    Raises
    ------
    LinAlgError
        Where the fixed effects cannot be told apart under these weights.
    """
    goal = _Goal(moments, one.shape, reml, squares(moments))
    start = np.where(one.shape.bounded, np.maximum(one.theta, STARTS[0]), one.theta)
    theta = _lowest(goal, start)
    here = goal.at(theta)
    if not _flat(goal, theta, here):
        theta, _ = _polished(goal, theta)
        here = goal.at(theta)
    triangles = goal.shape.triangles(theta)
    beta, _ = predicted(moments, triangles, solve(moments, triangles))
    return Again(theta, float(np.sqrt(here.pwrss / here.free)), beta, _flat(goal, theta, here))


def predicted(moments: Moments, triangles: list[Floats], s: Solved) -> tuple[Floats, Floats]:
    """Fixed effects and predicted random effects, (p,) and (q,)."""
    effects, beta = inverse_times(moments, triangles, s, moments.zx[:, -1:], moments.xx[:-1, -1:])
    return beta[:, 0], effects[:, 0]


def prediction_variances(moments: Moments, one: Fit) -> list[Floats]:
    """Blocks of the inverse for each term's levels, (q, d, d), without the factor s^2: covariances of prediction errors."""
    found = elimination.inverse(moments, one.shape.triangles(one.theta), one.solved, fixed=True)
    return [own_blocks(moments.layout, found.store, k) for k in range(len(moments.levels))]


def fixed_covariance(moments: Moments, s: Solved) -> Floats:
    """Covariance of the fixed effects over s^2, (p, p): the inverse of R_X'R_X."""
    r, p = len(s.rest), moments.p
    half = linalg.solve_triangular(s.factor[r : r + p, r : r + p], np.eye(p), lower=True, check_finite=False)
    return half.T @ half


def parameter_covariance(one: Fit) -> tuple[Ints, Floats]:
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
    unit = np.append(np.ones(m), one.sigma)
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
    """Theta_j at which the criterion, others held, has risen by `rise`: the far end for a component at zero; inf: nowhere."""

    def above(value: float) -> float:
        return deviance(moments, one.shape, _moved(one.theta, j, value), reml=reml) - one.deviance - rise

    high = max(2 * one.theta[j], 0.01)
    while above(high) < 0 and high < 1e3:
        high *= 2
    return float(optimize.brentq(above, one.theta[j], high, xtol=1e-8)) if above(high) > 0 else np.inf


def _free(moments: Moments, reml: bool) -> float:
    return moments.n - moments.p if reml else moments.n


def _profiled(moments: Moments, s: Solved, reml: bool) -> float:
    free = _free(moments, reml)
    logs = s.log_l + (s.log_x if reml else 0.0) - moments.log_weights
    return float(logs + free * (1 + np.log(2 * np.pi * s.pwrss / free)))


@dataclass(frozen=True, slots=True)
class _Goal:
    """The criterion over theta; huge where it has no value."""

    moments: Moments
    shape: Shape
    reml: bool
    shared: Squares | None
    seen: dict[bytes, Slopes] = field(default_factory=dict)  #: by theta's bytes; search, polish and result meet again

    def __call__(self, theta: Floats) -> tuple[float, Floats]:
        """The criterion and its slopes."""
        try:
            found = self.at(theta)
        except linalg.LinAlgError:
            return 1e300, np.zeros(len(theta))
        return found.value, found.profiled

    def at(self, theta: Floats) -> Slopes:
        """All that is known of a theta."""
        key = theta.tobytes()
        if key not in self.seen:
            self.seen[key] = slopes(self.moments, self.shape, theta, reml=self.reml, shared=self.shared)
        return self.seen[key]

    def value(self, theta: Floats) -> float:
        """The criterion alone."""
        try:
            return deviance(self.moments, self.shape, theta, reml=self.reml)
        except linalg.LinAlgError:
            return 1e300


def _flat(goal: _Goal, theta: Floats, here: Slopes) -> bool:
    return bool(np.abs(here.profiled[goal.shape.live(theta)]).max(initial=0.0) < FLAT)


def _lowest(goal: _Goal, start: Floats | None = None) -> Floats:
    """The optimum to a few digits; diagonals that came to rest at zero are tried again from above."""
    found = _descend(goal, _begun(goal) if start is None else start)
    theta, value = goal.shape.settled(found.x), float(found.fun)
    for j in map(int, np.flatnonzero(goal.shape.held(theta))):
        tries = [_moved(theta, j, start) for start in STARTS]
        better = [t for t in tries if goal.value(t) < value - 1e-9]
        if better:
            again = _descend(goal, min(better, key=goal.value))
            if again.fun < value:
                theta, value = goal.shape.settled(again.x), float(again.fun)
    return theta


def _begun(goal: _Goal) -> Floats:
    """Where to begin: deviations without correlations that are near what their own effects say.

    At an optimum a = b, with a = theta dlog|.|/dtheta = 2 q times a term's reliability, and b = -N theta dr^2/dtheta / r^2, from
    the squares of its effects (Schall 1991, Biometrika 78). Where levels are equal, log(b / a) falls by twice the reliability
    as log(theta) grows, and rises by the share that each term has in r^2; which gives steps.
    """
    shape, theta = goal.shape, np.where(goal.shape.bounded, 0.5, 0.0)
    alone = np.flatnonzero([(shape.term == k).sum() == 1 or not goal.moments.layout.correlated[k] for k in shape.term])
    q = np.array(goal.moments.levels, float)[shape.term[alone]]
    for _ in range(TURNS if len(alone) else 0):
        here = goal.at(theta)
        a, b = (theta * v for v in (here.by_log, -here.free / here.pwrss * here.by_pwrss))
        reliability = np.clip(a[alone] / (2 * q), 0.02, 1.0)
        gap = np.log(np.clip(b[alone] / np.maximum(a[alone], 1e-300), 0.02, 50.0))
        bends = np.diag(2 * reliability) - 2 * q * reliability / here.free
        theta[alone] *= np.exp(np.clip(np.linalg.solve(bends, gap), -1.0, 1.0))
        theta = theta.copy()
    return theta


def _descend(goal: _Goal, start: Floats) -> optimize.OptimizeResult:
    """Search where all directions bend about alike, from a first step as long as the guessed curvature says.

    The routine makes its first step no longer than one: so theta and criterion are counted in units in which the step has
    length one.
    """
    root = _bends(goal, start)
    value, slope = goal(start)
    unit = 1 / max(float(np.linalg.norm(slope / root)), 1e-3)
    root = root * unit

    def stretched(z: Floats) -> tuple[float, Floats]:
        value, slope = goal(z / root)
        return value * unit**2, slope / root * unit**2

    # without bounds: a column of L and its negative are the same model, so a diagonal may pass through zero
    flat = 1e-13 * unit**2 * max(abs(value), 1.0) / max(abs(value) * unit**2, 1.0)
    options = {"ftol": flat, "gtol": 1e-5 * unit, "maxiter": 300, "maxls": 40}
    found = optimize.minimize(stretched, start * root, jac=True, method="L-BFGS-B", options=options)
    found.x, found.fun = found.x / root, found.fun / unit**2
    return found


def _bends(goal: _Goal, theta: Floats) -> Floats:
    """Guess the root of the criterion's curvature: 4 q r^2 / theta^2 of a term with q levels of reliability r."""
    shape, by_log, found = goal.shape, goal.at(theta).by_log, np.empty(len(theta))
    for k, q in enumerate(goal.moments.levels):
        own = shape.term == k
        diagonal = own & shape.bounded
        reliability = float((theta * by_log)[diagonal].mean()) / (2 * q)
        size = float(np.sqrt((theta[diagonal] ** 2).mean()))
        found[own] = 2 * np.sqrt(q) * np.clip(reliability, 0.01, 1.0) / max(size, SINGULAR)
    return found


def _moved(theta: Floats, j: int, value: float) -> Floats:
    moved = np.array(theta, float)
    moved[j] = value
    return moved


def _around(goal: _Goal, theta: Floats, places: Ints) -> Near:
    steps = STEP * np.maximum(np.abs(theta[places]), 0.1)
    up, down = (
        tuple(goal.at(_moved(theta, int(j), theta[j] + sign * h)) for j, h in zip(places, steps, strict=True))
        for sign in (1, -1)
    )
    return Near(places, steps, up, down)


def _polished(goal: _Goal, theta: Floats) -> tuple[Floats, Near]:
    """Newton steps over what is not held at zero, kept while the slope falls; the curvature is kept for later."""
    places, bounded = goal.shape.live(theta), goal.shape.bounded
    near = _around(goal, theta, places)
    if not len(places):
        return theta, near
    hessian = near.curved([s.profiled for s in near.up], [s.profiled for s in near.down])[:, places]
    hessian = (hessian + hessian.T) / 2
    if not np.isfinite(hessian).all() or np.linalg.eigvalsh(hessian).min() <= 0:
        return theta, near
    slope, first = goal(theta)[1], theta
    for _ in range(3):
        moved = np.array(theta)
        moved[places] -= np.linalg.solve(hessian, slope[places])
        after = goal(moved)[1]
        if (moved[bounded & (theta > 0)] <= 0).any() or np.abs(after[places]).max() >= np.abs(slope[places]).max():
            break
        theta, slope = moved, after
        if np.abs(slope[places]).max() < 1e-6:
            break
    return theta, near if np.abs(theta - first).max() < NEAR else _around(goal, theta, places)
