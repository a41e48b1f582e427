"""A factor model in several groups: what it says of means and covariances, and its fit to moments by maximum likelihood.

Sigma = L Psi L' + Theta, mu = nu + L alpha in each group (Joreskog 1971, Psychometrika 36; Sorbom 1974, British J. of
Mathematical and Statistical Psychology 27). Everything works on moments, so that no cost grows with the number of rows.
Covariances are stacked by the lower triangle, column by column of `numpy.tril_indices`; statistics of a group are the means,
then these.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import linalg, optimize
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from analysis.core.factor_data import GroupData, lower

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Numbers = NDArray[Any]  # real, or complex for exact second derivatives

MATRICES = ("loading", "intercept", "unique", "factor", "mean", "threshold")
SYMMETRIC = ("unique", "factor")
Value = Callable[[Floats], float]
Slopes = Callable[[Floats, bool], tuple[Floats, Any]]
FLAT = 1e-8  # largest slope of the fit function, by parameters in units of their error, that is aimed at
FLAT_ENOUGH = 1e-5  # and that counts as zero
SCORING = 6  # scoring steps before BFGS
MAX_ITER = 500
TRIES = 3  # times to begin again, with the curvature of where the last ended
TINY = 1e-12
SINGULAR = 1e-10  # smallest eigenvalue of the scaled information that counts as identified


@dataclass(frozen=True, slots=True)
class Part:
    """One matrix of one group: where its elements stand among the parameters (-1: fixed), and their fixed values."""

    index: Ints
    value: Floats
    free: NDArray[np.bool_] = field(init=False)  #: where it is free; looked up once, it is asked for a thousand times
    any: bool = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "free", self.index >= 0)
        object.__setattr__(self, "any", bool(self.free.any()))

    def at(self, x: Numbers) -> Numbers:
        """Fill the matrix in."""
        if not self.any:
            return self.value
        out = self.value.astype(x.dtype)
        out[self.free] = x[self.index[self.free]]
        return out

    def settled(self) -> Part:
        """The same after its elements were placed."""
        return Part(self.index, self.value)


@dataclass(frozen=True, slots=True)
class Blueprint:
    """A model of one group.

    ``loading`` (p, f), ``intercept`` (p,), ``unique`` (p, p), ``factor`` (f, f), ``mean`` (f,), and ``threshold`` (t,)
    where answers are ordered categories.
    """

    loading: Part
    intercept: Part
    unique: Part
    factor: Part
    mean: Part
    threshold: Part = Part(np.full(0, -1), np.zeros(0))

    def settled(self) -> Blueprint:
        """The same after its elements were placed."""
        return Blueprint(*(getattr(self, name).settled() for name in MATRICES))

    def parameters(self) -> Ints:
        """Parameters that this group has, in order."""
        found = np.unique(np.concatenate([getattr(self, name).index.ravel() for name in MATRICES]))
        return found[found >= 0]

    def said(self, x: Numbers) -> tuple[Numbers, Numbers]:
        """Mean and covariance."""
        loading = self.loading.at(x)
        cov = loading @ self.factor.at(x) @ loading.T + self.unique.at(x)
        return self.intercept.at(x) + loading @ self.mean.at(x), cov

    def only(self, columns: Ints) -> Blueprint:
        """The same group by a shorter list of parameters, which holds all of its own."""
        parts = (getattr(self, name) for name in MATRICES)
        return Blueprint(*(Part(np.where(p.index >= 0, np.searchsorted(columns, p.index), -1), p.value) for p in parts))


@dataclass(frozen=True, slots=True)
class Implied:
    """What a model says of one group, with the derivatives by its parameters."""

    mean: Numbers  #: (p,)
    cov: Numbers  #: (p, p)
    columns: Ints  #: (k,) parameters of the group
    jacobian: Numbers  #: (p + p (p + 1) / 2, k) by these


@dataclass(frozen=True, slots=True)
class Optimum:
    """Where the fit function is least."""

    x: Floats  #: (q,)
    minimum: float  #: sum over groups of n_g / N times the discrepancy
    slope: float  #: largest slope left, scaled
    rounds: int
    converged: bool


def implied(model: Blueprint, x: Numbers) -> Implied:
    """Mean, covariance and Jacobian of one group."""
    columns = model.parameters()
    jacobian = _jacobian(model, columns, model.loading.at(x), model.factor.at(x), model.mean.at(x))
    return Implied(*model.said(x), columns, jacobian)


def _jacobian(model: Blueprint, columns: Ints, loading: Numbers, factor: Numbers, mean: Numbers) -> Numbers:
    p = len(loading)
    a, b = lower(p)
    out = np.zeros((p + len(a), len(columns)), dtype=loading.dtype)

    def add(at: Ints, rows: slice, block: Numbers) -> None:
        np.add.at(out[rows].T, np.searchsorted(columns, at), block.T)

    means, spreads = slice(0, p), slice(p, None)
    through = loading @ factor
    i, j, at = _free(model.loading)
    add(at, means, (np.arange(p)[:, None] == i) * mean[j])
    add(at, spreads, (a[:, None] == i) * through[b][:, j] + (b[:, None] == i) * through[a][:, j])
    i, j, at = _free_half(model.factor)
    add(at, spreads, loading[a][:, i] * loading[b][:, j] + loading[a][:, j] * loading[b][:, i] * (i != j))
    i, j, at = _free_half(model.unique)
    add(at, spreads, (a[:, None] == i) & (b[:, None] == j))
    (i,) = np.nonzero(model.intercept.index >= 0)
    add(model.intercept.index[i], means, np.eye(p)[:, i])
    (j,) = np.nonzero(model.mean.index >= 0)
    add(model.mean.index[j], means, loading[:, j])
    return out


def _free(part: Part) -> tuple[Ints, Ints, Ints]:
    i, j = np.nonzero(part.index >= 0)
    return i, j, part.index[i, j]


def _free_half(part: Part) -> tuple[Ints, Ints, Ints]:
    """The lower triangle of a symmetric matrix."""
    i, j, at = _free(part)
    return i[i >= j], j[i >= j], at[i >= j]


def discrepancy(model: Sequence[Blueprint], data: Sequence[GroupData], x: Floats) -> float:
    """Sum over groups of n_g / N times -2 log likelihood / n_g, without its constant."""
    total, n = 0.0, sum(d.n for d in data)
    for one, there in zip(model, data, strict=True):
        total += there.n / n * there.value(*one.said(x))
    return total


def gradient(model: Sequence[Blueprint], data: Sequence[GroupData], x: Numbers) -> Numbers:
    """Slope of `discrepancy`, (q,); also at complex x, for exact second derivatives."""
    total, n = np.zeros(len(x), dtype=x.dtype), sum(d.n for d in data)
    for one, there in zip(model, data, strict=True):
        total -= 2 * there.n / n * _by_parameters(one, x, there)
    return total


def _by_parameters(one: Blueprint, x: Numbers, data: GroupData) -> Numbers:
    """Slope of a group's log likelihood per row, (q,), matrix by matrix: much cheaper than by the Jacobian."""
    loading, factor, mean = one.loading.at(x), one.factor.at(x), one.mean.at(x)
    mu, sigma = one.said(x)
    slopes = data.slope(mu, sigma)
    by_mean, by_cov = slopes[: len(mu)], np.zeros_like(sigma)
    a, b = lower(len(mu))
    by_cov[a, b] = slopes[len(mu) :] / np.where(a == b, 1.0, 2.0)
    by_cov[b, a] = by_cov[a, b]
    through = by_cov @ loading
    total = np.zeros(len(x), dtype=x.dtype)
    for part, values in (
        (one.loading, 2 * through @ factor + by_mean[:, None] * mean),
        (one.intercept, by_mean),
        (one.unique, by_cov),
        (one.factor, loading.T @ through),
        (one.mean, loading.T @ by_mean),
    ):
        if part.any:
            np.add.at(total, part.index[part.free], values[part.free])
    return total


def expected_information(model: Sequence[Blueprint], data: Sequence[GroupData], x: Floats) -> Floats:
    """Expected information of all rows on the parameters, (q, q)."""
    return _gathered(model, x, [d.n * d.information(one.said(x)[1]) for one, d in zip(model, data, strict=True)])


def observed_information(model: Sequence[Blueprint], data: Sequence[GroupData], x: Floats) -> Floats:
    """Minus the second derivatives of the log likelihood, (q, q), exact by complex steps of the slopes, group by group."""
    total, step = np.zeros((len(x), len(x))), 1e-30
    for one, there in zip(model, data, strict=True):
        columns = one.parameters()
        alone, own = one.only(columns), x[columns]
        moved = own + 1j * step * np.eye(len(columns))
        half = np.array([_by_parameters(alone, at, there).imag for at in moved]) * (-there.n / step)
        total[np.ix_(columns, columns)] += (half + half.T) / 2
    return total


def meat(model: Sequence[Blueprint], data: Sequence[GroupData], x: Floats) -> Floats:
    """Sum over clusters of the outer products of their slopes of the log likelihood, (q, q); a cluster lies in one group."""
    return _gathered(model, x, [d.meat(*one.said(x)) for one, d in zip(model, data, strict=True)])


def _gathered(model: Sequence[Blueprint], x: Floats, each: Sequence[Floats]) -> Floats:
    """From matrices on the groups' statistics to one on the parameters."""
    total = np.zeros((len(x), len(x)))
    for one, middle in zip(model, each, strict=True):
        found = implied(one, x)
        total[np.ix_(found.columns, found.columns)] += found.jacobian.T @ middle @ found.jacobian
    return total


def minimise(model: Sequence[Blueprint], data: Sequence[GroupData], start: Floats) -> Optimum:
    """Fit by maximum likelihood; groups that share no parameter are fitted by themselves."""
    n = sum(d.n for d in data)
    x, minimum, slope, rounds, converged = start.copy(), 0.0, 0.0, 0, True
    for groups, columns in _apart(model):
        some, there = [model[g].only(columns) for g in groups], [data[g] for g in groups]
        found = _minimised(some, there, start[columns])
        x[columns] = found.x
        minimum += found.minimum * sum(d.n for d in there) / n
        slope, rounds, converged = max(slope, found.slope), max(rounds, found.rounds), converged and found.converged
    return Optimum(x, minimum, slope, rounds, converged)


def _apart(model: Sequence[Blueprint]) -> list[tuple[list[int], Ints]]:
    """Sets of groups that share parameters, each with these parameters."""
    own = [one.parameters() for one in model]
    joined = csr_array(np.array([np.isin(np.arange(max(map(max, own)) + 1), o) for o in own], dtype=float))
    count, label = connected_components(joined @ joined.T, directed=False)
    sets = [[int(g) for g in np.flatnonzero(label == k)] for k in range(count)]
    return [(groups, np.unique(np.concatenate([own[g] for g in groups]))) for groups in sets]


def _minimised(model: Sequence[Blueprint], data: Sequence[GroupData], start: Floats) -> Optimum:
    n = sum(d.n for d in data)

    def slopes(x: Floats, curved: bool) -> tuple[Floats, Any]:
        slope = np.asarray(gradient(model, data, x), dtype=np.float64)
        return slope, expected_information(model, data, x) / n if curved else None

    return descend(lambda x: discrepancy(model, data, x), slopes, start)


def descend(value: Value, slopes: Slopes, start: Floats) -> Optimum:
    """Minimise a function by a few scoring steps, then by BFGS in coordinates in which its expected curvature is round.

    Parameters
    ----------
    value : callable
        The function; infinite where it has no value.
    slopes : callable
        x and whether the curvature is wanted: gradient, and half of the expected second derivatives (or None).
    start : (q,) float
    """
    rounds = 0
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):  # of a fit that runs away
        found = _descended(value, slopes, start)
        for _ in range(TRIES - 1):
            if found.converged:
                break
            rounds += found.rounds
            found = _descended(value, slopes, found.x)
    return replace(found, rounds=rounds + found.rounds)


def _descended(value: Value, slopes: Slopes, start: Floats) -> Optimum:
    x, lowest = start.copy(), float(value(start))
    for rounds in range(1, SCORING + 1):
        slope, half = slopes(x, True)
        scale = _units(half)
        if float(np.abs(slope / scale).max(initial=0.0)) < FLAT:
            return Optimum(x, lowest, float(np.abs(slope / scale).max(initial=0.0)), rounds, True)
        step = _scored(half / np.outer(scale, scale), slope / scale / 2) / scale
        x, lowest = _shortened(value, x, step, lowest)
    return _polished(value, slopes, x, half)


def _polished(value: Value, slopes: Slopes, x: Floats, half: Floats) -> Optimum:
    scale = _units(half)
    values, vectors = linalg.eigh(half / np.outer(scale, scale))
    size = np.sqrt(np.maximum(values, 1e-9))
    back = vectors / size / scale[:, None]  # x = back @ y

    def both(y: Floats) -> tuple[float, Floats]:
        there = float(value(back @ y))
        return (there, back.T @ slopes(back @ y, False)[0]) if there < np.inf else (1e10, np.zeros(len(y)))

    options = {"gtol": FLAT, "maxiter": MAX_ITER}
    found = optimize.minimize(both, (vectors * size).T @ (scale * x), jac=True, method="BFGS", options=options)
    slope = float(np.abs(found.jac).max(initial=0.0))
    return Optimum(back @ found.x, float(found.fun), slope, SCORING + int(found.nit), slope < FLAT_ENOUGH)


def _units(half: Floats) -> Floats:
    """Root of the curvature by each parameter, whatever its unit; 1 where there is none."""
    own = np.diag(half)
    return np.sqrt(np.where(own > 0, own, 1.0))


def _scored(information: Floats, slope: Floats) -> Floats:
    half = _firm(information, 1e-3)
    if half is not None:
        return np.asarray(linalg.cho_solve((half, True), -slope))
    values, vectors = linalg.eigh(information)
    return np.asarray(vectors @ ((vectors.T @ -slope) / np.maximum(values, 1e-6)))


def _firm(information: Floats, least: float) -> Floats | None:
    """Cholesky factor of a matrix with a diagonal of ones; None where it is near to singular."""
    try:
        half = linalg.cholesky(information, lower=True)
    except (linalg.LinAlgError, ValueError):
        return None
    return np.asarray(half) if np.diag(half).min(initial=1.0) > least else None


def inverse(information: Floats) -> Floats:
    """Inverse of an information matrix, generalised where it is singular."""
    scale = _units(information)
    half = _firm(information / np.outer(scale, scale), 1e-4)
    if half is None:
        return np.asarray(np.linalg.pinv(information, hermitian=True))
    return np.asarray(linalg.cho_solve((half, True), np.eye(len(scale))) / np.outer(scale, scale))


def _shortened(value: Value, x: Floats, step: Floats, lowest: float) -> tuple[Floats, float]:
    for _ in range(30):
        after = float(value(x + step))
        if after < lowest:
            return x + step, after
        step = step / 2
    return x, lowest


def unidentified(information: Floats) -> Ints:
    """Parameters that can be moved together without changing what the model says; none where it is identified."""
    scale = np.sqrt(np.diag(information))
    if (scale <= 0).any():
        return np.flatnonzero(scale <= 0)
    if _firm(information / np.outer(scale, scale), 1e-2) is not None:
        return np.zeros(0, dtype=np.int64)
    values, vectors = linalg.eigh(information / np.outer(scale, scale))
    weak = vectors[:, values < SINGULAR]
    return np.flatnonzero(np.abs(weak).max(axis=1, initial=0.0) > 0.05)


@dataclass(frozen=True, slots=True)
class Release:
    """An element that a score test sets free in one group."""

    group: int
    matrix: str  #: of `MATRICES`
    at: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Scores:
    """What the model would gain by releases; a quadratic approximation at the optimum."""

    slope: Floats  #: (m,) of the log likelihood
    information: Floats  #: (m, m) that is left when the parameters of the model adapt

    def single(self) -> tuple[Floats, Floats]:
        """Test of each release alone, chi-square with one degree of freedom, and the change of the element expected."""
        own = np.diag(self.information)
        safe = np.where(own > 0, own, np.nan)
        return self.slope**2 / safe, self.slope / safe

    def joint(self, some: Sequence[int]) -> tuple[float, int]:
        """Test of several releases at once, and its degrees of freedom."""
        at = np.asarray(some)
        part = self.information[np.ix_(at, at)]
        values, vectors = linalg.eigh(part)
        kept = values > 1e-8 * max(values.max(initial=0.0), TINY)
        along = vectors[:, kept].T @ self.slope[at]
        return float((along**2 / values[kept]).sum()), int(kept.sum())


def score_tests(
    model: Sequence[Blueprint], data: Sequence[GroupData], x: Floats, releases: Sequence[Release]
) -> Scores:
    """Score (Lagrange multiplier) tests by the expected information (Sorbom 1989, Psychometrika 54)."""
    slope, m = np.zeros(len(releases)), len(releases)
    own, cross = np.zeros((m, m)), np.zeros((m, len(x)))
    for g, (one, there) in enumerate(zip(model, data, strict=True)):
        which = [k for k, release in enumerate(releases) if release.group == g]
        if not which:
            continue
        found, through = implied(one, x), implied(*by_elements(one, x, [releases[k] for k in which])).jacobian
        middle = there.n * there.information(found.cov)
        slope[which] = there.n * (through.T @ there.slope(found.mean, found.cov))
        at = np.asarray(which)
        own[np.ix_(at, at)] = through.T @ middle @ through
        cross[np.ix_(at, found.columns)] = through.T @ middle @ found.jacobian
    return Scores(slope, left_over(own, cross, expected_information(model, data, x)))


def left_over(own: Floats, cross: Floats, whole: Floats) -> Floats:
    """Information on releases that is left when the parameters of the model adapt; none where they can make up for one."""
    left = own - cross @ inverse(whole) @ cross.T
    nothing = np.diag(left) < SINGULAR * np.diag(own)
    left[nothing], left[:, nothing] = 0.0, 0.0
    return np.asarray(left)


def by_elements(one: Blueprint, x: Floats, releases: Sequence[Release]) -> tuple[Blueprint, Floats]:
    """A group with the elements released as its only parameters, all others held, and their values."""
    parts = {name: Part(np.full_like(getattr(one, name).index, -1), getattr(one, name).at(x)) for name in MATRICES}
    values = np.zeros(len(releases))
    for number, release in enumerate(releases):
        part = parts[release.matrix]
        values[number] = part.value[release.at]
        part.index[release.at] = number
        if release.matrix in SYMMETRIC:
            part.index[release.at[::-1]] = number
    return Blueprint(**parts).settled(), values
