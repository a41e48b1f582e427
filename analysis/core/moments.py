"""Do the items of a scale measure one thing, and how well?  Covariances, alpha, and factors by maximum likelihood.

Source: an (n, J) array with missing values as NaN. Covariances are pairwise: each uses the rows in which both items are
there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import linalg, optimize, stats

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
BLOCK = 8192  # rows that stay in the processor's own memory


@dataclass(frozen=True, slots=True)
class Factors:
    """A fitted model with one factor for each item: Sigma = L Phi L' + diag(theta), L with one loading a row."""

    loading: Floats  #: (J,) in the items' units
    correlation: Floats  #: (F, F) of the factors, whose variances are 1
    unique: Floats  #: (J,) error variances
    proper: NDArray[np.bool_]  #: (J,) the error variance is above zero
    converged: bool  #: the fit function is flat at the optimum, bounds aside


def covariance(columns: Sequence[Floats], weights: Floats) -> tuple[Floats, Floats]:
    """Pairwise covariance matrix and the number of rows behind each entry, both (J, J), from J columns.

    Weighted mean squares times n / (n - 1); with equal weights and no missing values the usual sample covariance. Entries
    with fewer than two rows are NaN. Block by block, so that nothing as large as the data is laid out.
    """
    j, equal = len(columns), bool(len(weights)) and float(np.ptp(weights)) == 0.0 and float(weights[0]) > 0
    holes = any(column.dtype.kind == "f" for column in columns)
    centre = [_near(column) for column in columns]
    count, weight, sums, products = (np.zeros((j, j)) for _ in range(4))
    room = np.empty((j, min(BLOCK, max(len(weights), 1))))
    for first in range(0, len(weights), BLOCK):
        block = slice(first, first + BLOCK)
        w = weights[block]
        x = room[:, : len(w)]
        for k, column in enumerate(columns):
            np.subtract(column[block], centre[k], out=x[k])
        if (holes and np.isnan(x.sum())) or not (equal or (w > 0).all()):
            there = ~np.isnan(x) & (w > 0)
            mask, x = there.astype(float), np.where(there, x, 0.0)
            count += mask @ mask.T
            weight += mask @ (w * mask).T
            sums += (w * x) @ mask.T
            products += (w * x) @ x.T
        else:
            count += len(w)
            weight += float(w.sum())
            sums += (x @ w)[:, None]
            products += float(w[0]) * (x @ x.T) if equal else (w * x) @ x.T
    safe = np.where(weight > 0, weight, 1.0)
    found = (products - sums * sums.T / safe) / safe * count / np.maximum(count - 1, 1)
    return np.where(count > 1, found, np.nan), count


def _near(column: Floats) -> float:
    """A number near the column's values, from its beginning: covariances lose no digits to a far mean."""
    some = column[:BLOCK]
    there = some[~np.isnan(some)]
    if not len(there):
        there = column[~np.isnan(column)]
    return float(there.mean()) if len(there) else 0.0


def alpha(s: Floats) -> float:
    """Cronbach (1951), Psychometrika 16: J / (J - 1) (1 - sum of variances / variance of the sum)."""
    j = len(s)
    return float(j / (j - 1) * (1 - np.trace(s) / s.sum()))


def alpha_interval(value: float, n: float, j: int, conf_level: float) -> tuple[float, float]:
    """Feldt (1965), Psychometrika 30: (1 - alpha) / (1 - estimate) follows F with n - 1, (n - 1)(J - 1) degrees."""
    tail, df = (1 - conf_level) / 2, n - 1
    high = stats.f.isf(tail, df, df * (j - 1))
    low = stats.f.isf(1 - tail, df, df * (j - 1))
    return float(1 - (1 - value) * high), float(1 - (1 - value) * low)


def item_rest(s: Floats) -> Floats:
    """Correlation of each item with the sum of the others, (J,)."""
    own, row = np.diag(s), s.sum(axis=1)
    rest = s.sum() - 2 * row + own
    return (row - own) / np.sqrt(own * rest)


def htmt(first: Floats, second: Floats, between: Floats) -> float:
    """HTMT2 of two scales from their correlations: geometric mean between over the root of the geometric means within.

    NaN where a correlation is zero or missing (a scale with a constant item).
    """
    parts = [first[np.tril_indices(len(first), -1)], second[np.tril_indices(len(second), -1)], between.ravel()]
    if not all(np.isfinite(p).all() and (np.abs(p) > 0).all() for p in parts):
        return np.nan
    within_1, within_2, across = (float(np.log(np.abs(p)).mean()) for p in parts)
    return float(np.exp(across - (within_1 + within_2) / 2))


def fit_factors(s: Floats, factor: Ints) -> Factors:
    """Fit by maximum likelihood a model in which each item loads on one factor and the factors correlate.

    Minimises log|Sigma| + tr(S Sigma^-1) on the correlation scale (Joreskog 1969, Psychometrika 34).

    Parameters
    ----------
    s : (J, J) float
        A positive definite covariance matrix.
    factor : (J,) int
        Factor of each item, 0..F-1; three items a factor, or two where there are other factors.
    """
    scale = np.sqrt(np.diag(s))
    r = s / np.outer(scale, scale)
    j, f = len(s), int(factor.max()) + 1
    pairs = np.triu_indices(f, 1)
    loading = _first_guess(r, factor)
    start = np.concatenate([loading, np.log(1 - loading**2), np.full(len(pairs[0]), 0.3)])
    bounds = [(None, None)] * j + [(np.log(1e-6), np.log(5.0))] * j + [(-0.999, 0.999)] * len(pairs[0])
    found = optimize.minimize(
        _discrepancy,
        start,
        args=(r, factor, pairs),
        jac=True,
        method="L-BFGS-B",
        bounds=bounds,
        options={"maxiter": 2000, "maxfun": 4000, "ftol": 1e-14, "gtol": 1e-7},
    )
    loading, unique, phi = _parts(found.x, f, pairs)
    proper = unique > 1e-5
    free = np.concatenate([np.ones(j, bool), proper, np.abs(found.x[2 * j :]) < 0.999])
    flat = bool(np.abs(found.jac[free]).max(initial=0.0) < 1e-3)
    return Factors(loading * scale, phi, unique * scale**2, proper, flat)


def _first_guess(r: Floats, factor: Ints) -> Floats:
    """Loadings by the centroid method: an item's correlations with its factor's others over the root of all of them."""
    off = np.where(factor[:, None] == factor, r, 0.0) - np.eye(len(r))
    by_item = off.sum(axis=1)
    whole = np.bincount(factor, by_item)[factor]
    with np.errstate(invalid="ignore", divide="ignore"):
        guess = by_item / np.sqrt(whole)
        guess /= np.sqrt(1 - 1 / np.bincount(factor)[factor])
    return np.where(whole > 0, np.clip(guess, 0.2, 0.9), 0.7)


def omega(loading: Floats, unique: Floats) -> float:
    """(sum of loadings)^2 / ((sum of loadings)^2 + sum of error variances): over the model's variance of the sum."""
    common = float(loading.sum() ** 2)
    return common / (common + float(unique.sum()))


def _parts(parameters: Floats, f: int, pairs: tuple[Ints, Ints]) -> tuple[Floats, Floats, Floats]:
    j = (len(parameters) - len(pairs[0])) // 2
    phi = np.eye(f)
    phi[pairs] = parameters[2 * j :]
    phi[pairs[::-1]] = parameters[2 * j :]
    return parameters[:j], np.exp(parameters[j : 2 * j]), phi


def _discrepancy(parameters: Floats, r: Floats, factor: Ints, pairs: tuple[Ints, Ints]) -> tuple[float, Floats]:
    """The function and its gradient; G = Sigma^-1 (Sigma - R) Sigma^-1."""
    j, f = len(r), int(factor.max()) + 1
    loading, unique, phi = _parts(parameters, f, pairs)
    between = phi[np.ix_(factor, factor)]
    sigma = np.outer(loading, loading) * between + np.diag(unique)
    try:
        half = linalg.cholesky(sigma, lower=True, check_finite=False)
    except linalg.LinAlgError:
        return 1e10, np.zeros(len(parameters))
    inverse = linalg.cho_solve((half, True), np.eye(j), check_finite=False)
    g = inverse - inverse @ r @ inverse
    by_loading = 2 * (g * between) @ loading
    by_phi = np.zeros((f, f))
    np.add.at(by_phi, (factor[:, None], factor[None, :]), g * np.outer(loading, loading))
    gradient = np.concatenate([by_loading, np.diag(g) * unique, 2 * by_phi[pairs]])
    return 2 * float(np.log(np.diag(half)).sum()) + float((inverse * r).sum()), gradient
