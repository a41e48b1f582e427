r"""Binomial (logit) mixed models: Laplace's approximation with analytic slopes, and adaptive Gauss-Hermite quadrature.

Source: successes out of trials of each row (rows with equal covariates may be put together), its fixed columns and levels.
Model and criterion, symbols of Bates, Machler, Bolker & Walker (2015) and of lme4's theory vignette:

    logit mu = X b + Z T u,  u ~ N(0, I);   f(b, T) = -2 l(y | u^) + u^'u^ + log|T'Z'W Z T + I|

u^ minimises the first two terms (penalised iteratively reweighted least squares, to the last digits). By implicit
differentiation, with Q = T(T'Z'WZT + I)^-1 T', t_i = z_i'Q z_i dW_i/d eta_i, a = Q Z't, g = Z'(y - mu) and c = T'(Z't - Z'WZ a):

    df/db = -2 X'(y - mu) + X'(t - W Z a),   df/dT = dlog|.|/dT - 2 g g'T + (Z't - Z'WZ a) u' + g c'
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, special

from analysis.core import elimination
from analysis.core.elimination import inverse_times, solve
from analysis.core.mixed import FLAT, Again, Fit, Near, Shape, Slopes, fixed_covariance, shaped
from analysis.core.mixed_cells import Layout, Moments, collect, through_rows, turned_times, z_times

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
START = 0.7  # standard deviation of a random effect to begin with
ROUNDS = 100  # of reweighted least squares
STEP = 1e-4  # of differences of slopes
NEAR = 1e-3  # in units in which the criterion bends alike


class Separated(ValueError):
    """The fixed part tells yes from no without error in some direction: there is no finite estimate."""


@dataclass(frozen=True, slots=True)
class Rows:
    """What is fitted."""

    layout: Layout
    successes: Floats  #: (n,)
    trials: Floats  #: (n,) above zero; weighted, any number of at least zero
    x: Floats  #: (n, p)
    u: Floats  #: (n, m)
    constant: float  #: -2 sum log C(trials, successes) of the rows before equal ones were put together


@dataclass(frozen=True, slots=True)
class Mode:
    """The inner optimum at given coefficients and triangles."""

    u: Floats  #: (q,)
    effects: Floats  #: (q,) T u
    eta: Floats  #: (n,)
    penalised: float  #: -2 l + u'u
    moments: Moments  #: random part alone, at the weights of the mode
    solved: elimination.Solved
    settled: bool


@dataclass(frozen=True, slots=True)
class Binomial:
    """A fitted model; theta and random effects in elimination order."""

    fit: Fit  #: sigma is 1; moments with the fixed part at the weights of the mode
    moments: Moments
    covariance: (
        Floats  #: (l + p, l + p) of theta not held at zero and the coefficients: twice the inverse Hessian; or NaN
    )
    places: Ints  #: (l,) those of theta


def deviance(rows: Rows, shape: Shape, theta: Floats, beta: Floats, before: Floats | None = None) -> tuple[float, Mode]:
    """Laplace's f, with the constant of the binomial law, and the mode."""
    mode = inner(rows, shape.triangles(theta), beta, before)
    return mode.penalised + mode.solved.log_l + rows.constant, mode


def slopes(
    rows: Rows, shape: Shape, theta: Floats, beta: Floats, before: Floats | None = None
) -> tuple[float, Floats, Floats, Mode]:
    """`deviance`, its slopes by theta (m,) and by the coefficients (p,), and the mode."""
    value, mode = deviance(rows, shape, theta, beta, before)
    layout, triangles, moments = rows.layout, shape.triangles(theta), mode.moments
    mu = special.expit(mode.eta)
    w, left = rows.trials * mu * (1 - mu), rows.successes - rows.trials * mu
    found = elimination.inverse(moments, triangles, mode.solved, fixed=False)
    t = through_rows(layout, rows.u, found.store) * w * (1 - 2 * mu)
    zt, g = turned_times(layout, rows.u, t), turned_times(layout, rows.u, left)
    a = inverse_times(moments, triangles, mode.solved, zt[:, None], np.zeros((0, 1)))[0][:, 0]
    h = zt - moments.zz_times(a)
    blocks = []
    for k, (tri, own) in enumerate(zip(triangles, found.slopes, strict=True)):
        gk, hk, uk = (v[layout.rows(k)].reshape(-1, len(tri)) for v in (g, h, mode.u))
        blocks.append(own - 2 * (gk.T @ gk) @ tri + hk.T @ uk + gk.T @ (hk @ tri))
    by_beta = rows.x.T @ (t - w * z_times(layout, rows.u, a) - 2 * left)
    return value, shape.gathered(blocks), by_beta, mode


def quadrature(
    rows: Rows, shape: Shape, theta: Floats, beta: Floats, nodes: int, before: Floats | None = None
) -> tuple[float, Mode]:
    """-2 log-likelihood by adaptive Gauss-Hermite quadrature: one term, one column (Pinheiro & Bates 1995, JCGS 4)."""
    mode = inner(rows, shape.triangles(theta), beta, before)
    own = elimination.own_blocks(rows.layout, mode.moments.store, 0)[:, 0, 0]
    spread = 1 / np.sqrt(1 + theta[0] ** 2 * own)
    at, weight = np.polynomial.hermite_e.hermegauss(nodes)
    base, level = rows.x @ beta, rows.layout.place[rows.layout.cell, 0]
    column, parts = rows.u[:, rows.layout.uses[0][0]], np.empty((nodes, len(spread)))
    for k, z in enumerate(at):
        u = mode.u + spread * z
        one = _log_law(rows, base + theta[0] * column * u[level])
        parts[k] = np.bincount(level, one, len(spread)) - u**2 / 2 + z**2 / 2 + np.log(weight[k])
    logs = special.logsumexp(parts, axis=0) + np.log(spread) - np.log(2 * np.pi) / 2
    return float(-2 * logs.sum()) + rows.constant, mode


def constant(successes: Floats, trials: Floats, weights: Floats | None = None) -> float:
    """-2 sum w log C(trials, successes)."""
    logs = special.gammaln(trials + 1) - special.gammaln(successes + 1) - special.gammaln(trials - successes + 1)
    return float(-2 * (logs if weights is None else weights * logs).sum())


def inner(rows: Rows, triangles: list[Floats], beta: Floats, before: Floats | None = None) -> Mode:
    """Find the mode by penalised iteratively reweighted least squares, halving steps that lead upwards."""
    base, layout = rows.x @ beta, rows.layout
    u = np.zeros(int(layout.starts[-1])) if before is None else before
    effects, eta, value = _at(rows, triangles, base, u)
    for _ in range(ROUNDS):
        moments, solved = _weighed(rows, triangles, base, eta)
        new, _ = inverse_times(moments, triangles, solved, moments.zx, np.zeros((0, 1)))
        target = _unscaled(layout, triangles, moments.zx[:, 0] - moments.zz_times(new[:, 0]))
        step = 1.0
        while True:
            tried = u + step * (target - u)
            after = _at(rows, triangles, base, tried)
            if after[2] <= value + 1e-12 * abs(value) or step < 1e-8:
                break
            step /= 2
        moved = float(np.abs(tried - u).max(initial=0.0))
        u, (effects, eta, value) = tried, after
        if moved < 1e-9:
            break
    moments, solved = _weighed(rows, triangles, base, eta)
    return Mode(u, effects, eta, value, moments, solved, moved < 1e-6)


def fit(rows: Rows, *, nodes: int | None = None) -> Binomial:
    """Minimise Laplace's f (or the quadrature's) over theta and the coefficients.

    Raises
    ------
    Separated
        Where the coefficients run away.
    """
    by = [(rows.trials * rows.u[:, i] * rows.u[:, j]).sum() / rows.trials.sum() for i, j in rows.layout.products]
    shape = shaped(rows.layout, np.array(by))
    search = _Search(rows, shape, nodes, *_begin(rows, shape))
    z = search.lowest()
    theta, beta = search.split(z)
    places = shape.live(theta)
    z, hessian = search.polished(z, places)
    theta, beta = search.split(z)
    value, slope, mode = search.at(z)
    kept = np.concatenate([places, len(theta) + np.arange(len(beta))]).astype(np.int64)
    flat = bool(np.abs(slope[kept]).max(initial=0.0) < FLAT) and mode.settled
    covariance = search.covariance(hessian, kept)
    moments = collect(rows.layout, *_working(rows, mode), rows.u, _weights(rows, mode))
    moments = replace(moments, count=_people(rows))
    s = solve(moments, shape.triangles(theta))
    none = Slopes(value, np.zeros(0), np.zeros(0), s.pwrss, moments.n, np.zeros((len(beta), len(beta))))
    near = Near(places, np.zeros(0), (), ())
    return Binomial(Fit(shape, theta, 1.0, value, flat, s, beta, mode.effects, none, near), moments, covariance, places)


def fit_again(rows: Rows, one: Fit, *, nodes: int | None = None) -> Again:
    """Minimise the criterion of other weights of the same rows, beginning at the theta and coefficients of `one`.

    Raises
    ------
    Separated
        Where the coefficients run away.
    """
    shape = one.shape
    start = np.where(shape.bounded, np.maximum(one.theta, START / 10), one.theta)
    search = _Search(rows, shape, nodes, *_scaled_start(rows, shape, start, one.beta))
    z = search.lowest()
    theta, beta = search.split(z)
    _, slope, mode = search.at(z)
    kept = np.concatenate([shape.live(theta), len(theta) + np.arange(len(beta))]).astype(np.int64)
    if np.abs(slope[kept]).max(initial=0.0) >= FLAT:
        z, _ = search.polished(z, shape.live(theta))
        theta, beta = search.split(z)
        _, slope, mode = search.at(z)
    return Again(theta, 1.0, beta, bool(np.abs(slope[kept]).max(initial=0.0) < FLAT) and mode.settled)


def _people(rows: Rows) -> Floats:
    """Trials of each column's level, (q,)."""
    by_cell, layout = np.bincount(rows.layout.cell, rows.trials, len(rows.layout.place)), rows.layout
    parts = [np.bincount(layout.place[:, k], by_cell, q) for k, q in enumerate(layout.levels)]
    return np.concatenate([np.repeat(v, d) for v, d in zip(parts, layout.dims, strict=True)])


def upper_limit(rows: Rows, one: Fit, j: int, rise: float) -> float:
    """Theta_j at which Laplace's f, all else held, has risen by `rise`: the far end for a component at zero; inf: nowhere."""
    start = deviance(rows, one.shape, one.theta, one.beta)[0]

    def above(value: float) -> float:
        moved = np.array(one.theta)
        moved[j] = value
        return deviance(rows, one.shape, moved, one.beta)[0] - start - rise

    high = max(2 * one.theta[j], 0.01)
    while above(high) < 0 and high < 1e3:
        high *= 2
    return float(optimize.brentq(above, one.theta[j], high, xtol=1e-8)) if above(high) > 0 else np.inf


def _working(rows: Rows, mode: Mode) -> tuple[Floats, Floats]:
    """Working response and the fixed columns."""
    mu = special.expit(mode.eta)
    return mode.eta + (rows.successes - rows.trials * mu) / _weights(rows, mode), rows.x


def _weights(rows: Rows, mode: Mode) -> Floats:
    mu = special.expit(mode.eta)
    return np.maximum(rows.trials * mu * (1 - mu), 1e-300)


def _log_law(rows: Rows, eta: Floats) -> Floats:
    """Log of the binomial law without its constant."""
    return rows.successes * eta - rows.trials * np.logaddexp(0.0, eta)


def _at(rows: Rows, triangles: list[Floats], base: Floats, u: Floats) -> tuple[Floats, Floats, float]:
    effects = _scaled(rows.layout, triangles, u)
    eta = base + z_times(rows.layout, rows.u, effects)
    return effects, eta, float(u @ u - 2 * _log_law(rows, eta).sum())


def _weighed(rows: Rows, triangles: list[Floats], base: Floats, eta: Floats) -> tuple[Moments, elimination.Solved]:
    """The random part's equations at the weights of eta, the fixed part taken off the working response."""
    mu = special.expit(eta)
    w = np.maximum(rows.trials * mu * (1 - mu), 1e-300)
    response = eta - base + (rows.successes - rows.trials * mu) / w
    moments = collect(rows.layout, response, np.zeros((len(eta), 0)), rows.u, w)
    return moments, solve(moments, triangles)


def _scaled(layout: Layout, triangles: list[Floats], u: Floats) -> Floats:
    return np.concatenate([(u[layout.rows(k)].reshape(-1, len(t)) @ t.T).ravel() for k, t in enumerate(triangles)])


def _unscaled(layout: Layout, triangles: list[Floats], g: Floats) -> Floats:
    return np.concatenate([(g[layout.rows(k)].reshape(-1, len(t)) @ t).ravel() for k, t in enumerate(triangles)])


def _begin(rows: Rows, shape: Shape) -> tuple[Floats, Floats, Floats, Floats]:
    """Theta to begin with, its units, coefficients without random effects, and the root of the covariance that they have with.

    In these units the criterion bends about alike in every direction.
    """
    return _scaled_start(rows, shape, np.where(shape.bounded, START, 0.0), _without_effects(rows))


def _scaled_start(rows: Rows, shape: Shape, theta: Floats, beta: Floats) -> tuple[Floats, Floats, Floats, Floats]:
    layout = rows.layout
    mode = inner(rows, shape.triangles(theta), beta)
    moments = collect(layout, *_working(rows, mode), rows.u, _weights(rows, mode))
    half = np.asarray(np.linalg.cholesky(fixed_covariance(moments, solve(moments, shape.triangles(theta)))))
    return theta, 1 / np.sqrt(2 * np.array(layout.levels, float)[shape.term]), beta, half


def _without_effects(rows: Rows) -> Floats:
    """Logistic regression by Newton's method."""
    beta, share = np.zeros(rows.x.shape[1]), rows.successes.sum() / rows.trials.sum()
    beta[0] = special.logit(share)
    for _ in range(40):
        mu = special.expit(rows.x @ beta)
        w = rows.trials * mu * (1 - mu)
        with np.errstate(all="ignore"):
            try:
                step = np.linalg.solve(rows.x.T @ (w[:, None] * rows.x), rows.x.T @ (rows.successes - rows.trials * mu))
            except np.linalg.LinAlgError:
                raise Separated from None
        beta = beta + step
        if not np.isfinite(beta).all() or np.abs(rows.x @ beta).max() > 40:
            raise Separated
        if np.abs(rows.x @ step).max() < 1e-10:
            return beta
    raise Separated


@dataclass(slots=True)
class _Search:
    """The criterion over z: theta in its units, coefficients in standard errors from those without random effects."""

    rows: Rows
    shape: Shape
    nodes: int | None
    start: Floats
    unit: Floats
    beta: Floats
    half: Floats
    before: Floats | None = None

    def split(self, z: Floats) -> tuple[Floats, Floats]:
        """Theta and coefficients."""
        m = len(self.unit)
        return z[:m] * self.unit, self.beta + self.half @ z[m:]

    def at(self, z: Floats) -> tuple[float, Floats, Mode]:
        """Value, slopes by z, mode; the next search for a mode begins at this one."""
        theta, beta = self.split(z)
        if self.nodes is None:
            value, by_theta, by_beta, mode = slopes(self.rows, self.shape, theta, beta, self.before)
            self.before = mode.u
            return value, np.concatenate([by_theta * self.unit, self.half.T @ by_beta]), mode
        value, mode = quadrature(self.rows, self.shape, theta, beta, self.nodes, self.before)
        self.before = mode.u
        slope = np.empty(len(z))
        for j in range(len(z)):
            h = 1e-4 * max(abs(z[j]), 1.0)
            up, down = (self._value(z + sign * h * (np.arange(len(z)) == j)) for sign in (1, -1))
            slope[j] = (up - down) / (2 * h)
        return value, slope, mode

    def _value(self, z: Floats) -> float:
        theta, beta = self.split(z)
        return quadrature(self.rows, self.shape, theta, beta, self.nodes or 1, self.before)[0]

    def lowest(self) -> Floats:
        """The optimum to a few digits; a diagonal at rest at zero is tried again from above."""
        z = self.settled(self._descend(np.concatenate([self.start / self.unit, np.zeros(len(self.beta))])))
        for j in map(int, np.flatnonzero(self.held(z))):
            again = z.copy()
            again[j] = self.start[j] / 2 / self.unit[j]
            again = self.settled(self._descend(again))
            z = again if self.at(again)[0] < self.at(z)[0] - 1e-7 else z
        return z

    def settled(self, z: Floats) -> Floats:
        """The same model with diagonals not below zero."""
        theta, _ = self.split(z)
        return np.concatenate([self.shape.settled(theta) / self.unit, z[len(theta) :]])

    def held(self, z: Floats) -> NDArray[np.bool_]:
        """True for diagonals at zero, (m,)."""
        return self.shape.held(z[: len(self.unit)] * self.unit)

    def _descend(self, start: Floats) -> Floats:
        options = {"ftol": 1e-10, "gtol": 1e-5, "maxiter": 500, "maxls": 40}
        found = optimize.minimize(lambda z: self.at(z)[:2], start, jac=True, method="L-BFGS-B", options=options)
        if np.abs(self.rows.x @ self.split(found.x)[1]).max() > 40:
            raise Separated
        return np.asarray(found.x)

    def polished(self, z: Floats, places: Ints) -> tuple[Floats, Floats]:
        """Newton steps while the slope falls, and the Hessian by differences of slopes."""
        kept = np.concatenate([places, len(self.unit) + np.arange(len(self.beta))]).astype(np.int64)
        hessian = self._hessian(z, kept)
        if not np.isfinite(hessian).all() or np.linalg.eigvalsh(hessian).min() <= 0:
            return z, hessian
        slope, first = self.at(z)[1], z
        for _ in range(3):
            moved = z.copy()
            moved[kept] -= np.linalg.solve(hessian, slope[kept])
            after = self.at(moved)[1]
            if np.abs(after[kept]).max() >= np.abs(slope[kept]).max():
                break
            z, slope = moved, after
        near = np.abs(z - first).max() < NEAR  # the curvature is the optimum's
        return z, hessian if near else self._hessian(z, kept)

    def _hessian(self, z: Floats, kept: Ints) -> Floats:
        rows = []
        for j in kept:
            h = (STEP if self.nodes is None else 10 * STEP) * max(abs(z[j]), 1.0)
            up, down = (self.at(z + sign * h * (np.arange(len(z)) == j))[1] for sign in (1, -1))
            rows.append((up - down)[kept] / (2 * h))
        found = np.array(rows)
        return (found + found.T) / 2

    def covariance(self, hessian: Floats, kept: Ints) -> Floats:
        """Covariance of theta's places and the coefficients."""
        if not np.isfinite(hessian).all() or np.linalg.eigvalsh(hessian).min() <= 0:
            return np.full(hessian.shape, np.nan)
        m, p = len(kept) - len(self.beta), len(self.beta)
        back = np.zeros((m + p, m + p))
        back[:m, :m] = np.diag(self.unit[kept[:m]])
        back[m:, m:] = self.half
        return back @ (2 * np.linalg.inv(hessian)) @ back.T


__all__ = ["Binomial", "Rows", "Separated", "deviance", "fit", "fit_again", "quadrature", "slopes", "upper_limit"]
