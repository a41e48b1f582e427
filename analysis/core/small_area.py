r"""What would the mean of a small area be, had it a little of the others' strength?  The area-level model, on arrays.

Source: direct estimates y_i of m areas with known sampling variances D_i, and covariates x_i. Model of Fay & Herriot (1979),
JASA 74, 269-277:

    y_i = x_i' b + v_i + e_i,   v_i ~ N(0, A),   e_i ~ N(0, D_i),   V = diag(A + D_i),   B_i = D_i / (A + D_i)

Everything is found on y and D divided by the middle D_i, with the columns of X made orthonormal: neither the outcome's unit nor
its zero, nor those of the covariates, moves a digit that could be seen. The refvar A is found between bounds that hold every
maximum, so there is nothing to converge: the score is looked at along a grid, each fall through zero is narrowed down, and the
highest of these and of A = 0 is taken, since with unequal D_i a likelihood may have several peaks.

Symbols as in: Prasad & Rao (1990), JASA 85, 163-171 (moments; g1, g2, g3); Datta & Lahiri (2000), Statistica Sinica 10,
613-627 (REML and ML, the bias of ML); Yoshimori & Lahiri (2014), J. Multivariate Analysis 124, 281-294 (adjusted likelihood);
Viechtbauer (2007), Statistics in Medicine 26, 37-52 (Q-profile).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import linalg, optimize, stats

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
LIKELIHOODS = {"reml": (True, False), "ml": (False, False), "amrl_yl": (True, True), "ampl_yl": (False, True)}
"""Whether restricted, and whether adjusted to stay above zero."""
METHODS = (*LIKELIHOODS, "pr")
STEPS = 25  # of the grid, half a power of ten each
LEAST = 1e-12  # smallest refvar that is told from zero, in middle D_i
REPEATED = 1e-7  # part of a column that earlier ones do not explain, below which it repeats them


@dataclass(frozen=True, slots=True)
class Areas:
    """m areas with an estimate of their own, ready to be fitted."""

    y: Floats  #: (m,) divided by `unit`
    d: Floats  #: (m,) sampling variances, divided by its square
    q: Floats  #: (m, p) orthonormal columns that span X
    r: Floats  #: (p, p) X = Q R
    unit: float  #: square root of the middle D_i

    @property
    def m(self) -> int:
        """Number of areas."""
        return len(self.y)

    @property
    def p(self) -> int:
        """Number of coefficients."""
        return self.q.shape[1]


@dataclass(frozen=True, slots=True)
class Solved:
    """Generalised least squares at one A."""

    w: Floats  #: (m,) 1 / (A + D_i)
    inverse: Floats  #: (p, p) (Q' W Q)^-1
    b: Floats  #: (p,) coefficients of Q
    off: Floats  #: (m,) y - Q b


@dataclass(frozen=True, slots=True)
class Fit:
    """The fitted model, in the outcome's unit."""

    a: float  #: refvar
    a_error: float  #: from the expected information; of moments, from their variance
    beta: Floats  #: (p,) coefficients of X
    covariance: Floats  #: (p, p) of beta, (X' V^-1 X)^-1
    residuals: Floats  #: (m,) of the direct estimates, standardised: variance 1 where the model holds
    log_likelihood: float  #: restricted (with log |X'X| / 2) or full, without adjustment
    method: str
    solved: Solved  #: at A, in units of `Areas.unit`


@dataclass(frozen=True, slots=True)
class Predicted:
    """What the model says of areas, in the outcome's unit."""

    theta: Floats  #: EBLUP
    mse: Floats  #: its estimated mean squared error, g1 + g2 + 2 g3 less the bias of g1
    gamma: Floats  #: share of the direct estimate, 1 - B_i


def areas(y: Floats, x: Floats, d: Floats) -> Areas:
    """Make ready. `x`: (m, p) of full rank, see `repeats`; `d`: above zero."""
    unit = float(np.sqrt(np.median(d)))
    q, r = np.linalg.qr(x)
    return Areas(y / unit, d / unit**2, q, r, unit)


def repeats(x: Floats) -> list[int]:
    """Columns that the earlier ones explain; the first is the intercept."""
    centred = x - x.mean(axis=0)
    centred[:, 0] = 1.0
    size = np.sqrt((centred**2).sum(axis=0))
    flat = size <= REPEATED * np.abs(x).max(axis=0, initial=0) * 1e-5
    scaled = centred / np.where(flat, 1.0, size)
    kept: list[int] = []
    for j in np.flatnonzero(~flat):
        basis = linalg.orth(scaled[:, kept]) if kept else np.zeros((len(x), 0))
        left = scaled[:, j] - basis @ (basis.T @ scaled[:, j])
        if np.linalg.norm(left) > REPEATED:
            kept.append(int(j))
    return [j for j in range(x.shape[1]) if j not in kept]


def fit(one: Areas, method: str) -> Fit:
    """Fit by one of `METHODS`; at least p + 1 areas."""
    a = _moments(one) if method == "pr" else _highest(one, *LIKELIHOODS[method])
    solved = solve(one, a)
    back = np.linalg.inv(one.r)
    leverage = np.einsum("ij,jk,ik->i", one.q, solved.inverse, one.q)
    restricted = method == "pr" or LIKELIHOODS[method][0]
    return Fit(
        a * one.unit**2,
        _a_error(one, solved, method) * one.unit**2,
        back @ solved.b * one.unit,
        back @ solved.inverse @ back.T * one.unit**2,
        solved.off / np.sqrt(1 / solved.w - leverage),
        log_likelihood(one, solved, restricted=restricted) - (one.m - one.p * restricted) * float(np.log(one.unit)),
        method,
        solved,
    )


def predict(one: Areas, found: Fit, y: Floats, x: Floats, d: Floats) -> Predicted:
    r"""EBLUP and its mean squared error; `d` infinite where an area has no estimate of its own, whatever `y` is there.

    :math:`g_1 = A B_i`, :math:`g_2 = B_i^2 x_i'(X'V^{-1}X)^{-1}x_i`, :math:`g_3 = B_i^2 \bar V(A) / (A + D_i)`, with
    :math:`\bar V` the variance of the estimate of A, and :math:`B_i^2` times its bias taken off.
    """
    own = np.isfinite(d)
    share = 1 / (1 + found.a / d)
    synthetic = x @ found.beta
    theta = synthetic + np.where(own, (1 - share) * (np.where(own, y, 0.0) - synthetic), 0.0)
    solved, unit2 = found.solved, one.unit**2
    g2 = share**2 * np.einsum("ij,jk,ik->i", x, found.covariance, x)
    g3 = share**2 * spread(solved, found.method) * unit2 / ((found.a + d) / unit2)
    bias = share**2 * a_bias(one, solved, found.method) * unit2
    return Predicted(theta, found.a * share + g2 + 2 * g3 - bias, 1 - share)


def spread(solved: Solved, method: str) -> float:
    r""":math:`\bar V(A)`: large-sample variance of the estimate of A."""
    w = solved.w
    return float(2 / len(w) ** 2 * (w**-2.0).sum() if method == "pr" else 2 / (w**2).sum())


def a_bias(one: Areas, solved: Solved, method: str) -> float:
    r"""Bias of the estimate of A: :math:`-tr[(X'V^{-1}X)^{-1} X'V^{-2}X] / tr V^{-2}` by (adjusted) profile likelihood, else 0."""
    if method == "pr" or LIKELIHOODS[method][0]:
        return 0.0
    w2 = solved.w**2
    return float(-np.trace(solved.inverse @ (one.q.T * w2) @ one.q) / w2.sum())


def solve(one: Areas, a: float) -> Solved:
    """Generalised least squares at A, in units of `Areas.unit`."""
    w: Floats = 1 / (a + one.d)
    weighted = one.q.T * w
    inverse: Floats = linalg.inv(weighted @ one.q)
    b: Floats = inverse @ (weighted @ one.y)
    return Solved(w, inverse, b, one.y - one.q @ b)


def log_likelihood(one: Areas, solved: Solved, *, restricted: bool) -> float:
    """Log-likelihood at A of the scaled outcome, restricted (of the orthonormal columns) or full."""
    w, free = solved.w, one.m - one.p * restricted
    value = free * np.log(2 * np.pi) - np.log(w).sum() + (w * solved.off**2).sum()
    return float(-(value - (np.linalg.slogdet(solved.inverse)[1] if restricted else 0.0)) / 2)


def score(one: Areas, solved: Solved, *, restricted: bool) -> float:
    """Slope of `log_likelihood` in A: (y'PPy - tr P) / 2, or with tr V^-1."""
    w = solved.w
    trace = w.sum()
    if restricted:
        trace -= np.trace(solved.inverse @ (one.q.T * w**2) @ one.q)
    return float(((w * solved.off) ** 2).sum() - trace) / 2


def _adjustment(one: Areas, a: float) -> tuple[float, float]:
    """Log of the factor {arctan(sum of A / (A + D_i))}^(1/m) of Yoshimori & Lahiri (eq. 13), and its slope."""
    t = float((a / (a + one.d)).sum())
    slope = float((one.d / (a + one.d) ** 2).sum()) / (1 + t**2) / np.arctan(t)
    return float(np.log(np.arctan(t))) / one.m, slope / one.m


def _highest(one: Areas, restricted: bool, adjusted: bool) -> float:
    """The A at which the likelihood is highest."""

    def slope(a: float) -> float:
        own = score(one, solve(one, a), restricted=restricted)
        return own + _adjustment(one, a)[1] if adjusted else own

    def height(a: float) -> float:
        own = log_likelihood(one, solve(one, a), restricted=restricted)
        return own + _adjustment(one, a)[0] if adjusted else own

    grid = _grid(one, slope, from_zero=not adjusted)
    slopes = np.array([slope(a) for a in grid])
    falls = np.flatnonzero((slopes[:-1] > 0) & (slopes[1:] <= 0))
    peaks = [optimize.brentq(slope, grid[k], grid[k + 1], xtol=LEAST / 1e3, rtol=1e-14) for k in falls]
    if slopes[0] <= 0:
        peaks.append(grid[0])
    best = float(max(peaks, key=height))
    return best if adjusted or best > LEAST else 0.0


def _grid(one: Areas, slope: Callable[[float], float], *, from_zero: bool) -> list[float]:
    """Values of A from zero, or next to it, up to where every likelihood falls: SSE / (m - p) + max D_i is beyond all peaks."""
    free = one.y - one.q @ (one.q.T @ one.y)
    end = float((free**2).sum()) / (one.m - one.p) + float(one.d.max())
    while slope(end) > 0:
        end *= 2
    first = 0.0 if from_zero else end * 10 ** (-STEPS / 2)
    return [first, *(end * 10 ** (-k / 2) for k in range(STEPS - 1, -1, -1))]


def _moments(one: Areas) -> float:
    """Prasad & Rao's A, equation 3.3: what ordinary least squares leave beyond the sampling variances; zero if below."""
    off = one.y - one.q @ (one.q.T @ one.y)
    free = 1 - (one.q**2).sum(axis=1)
    return max(0.0, float((off**2).sum() - (one.d * free).sum()) / (one.m - one.p))


def _a_error(one: Areas, solved: Solved, method: str) -> float:
    """Standard error of A: expected information of the likelihood used, tr PP / 2 or tr V^-2 / 2."""
    if method == "pr" or not LIKELIHOODS[method][0]:
        return float(np.sqrt(spread(solved, method)))
    w = solved.w
    second, third = (solved.inverse @ (one.q.T * w**k) @ one.q for k in (2, 3))
    return float(np.sqrt(2 / ((w**2).sum() - 2 * np.trace(third) + np.trace(second @ second))))


def q_statistic(one: Areas, a: float) -> float:
    """y'P(A)y, chi-squared on m - p degrees of freedom at the true A (in units of `Areas.unit` squared)."""
    solved = solve(one, a)
    return float((solved.w * solved.off**2).sum())


def q_profile(one: Areas, conf_level: float) -> tuple[float, float]:
    """Exact interval of A: where y'P(A)y lies between points of chi-squared. NaN twice where no A does: even 0 is too much."""
    tails = ((1 - conf_level) / 2, (1 + conf_level) / 2)
    small, large = (float(stats.chi2.ppf(t, one.m - one.p)) for t in tails)
    at_zero = q_statistic(one, 0.0)
    if at_zero < small:
        return float("nan"), float("nan")
    low = _falls_to(one, large) if at_zero > large else 0.0
    return low * one.unit**2, _falls_to(one, small) * one.unit**2


def _falls_to(one: Areas, value: float) -> float:
    end = 1.0
    while q_statistic(one, end) > value:
        end *= 4
    return float(optimize.brentq(lambda a: q_statistic(one, a) - value, 0.0, end, xtol=LEAST / 1e3, rtol=1e-14))
