"""What a factor model needs of one group: moments of complete rows, or moments of each pattern of missing answers.

Both offer the same four: ``value``, ``slope``, ``information`` and ``meat``, in the statistics of the group (its p means, then
its covariances by the lower triangle). Likelihood with missing answers: Arbuckle (1996), in Marcoulides & Schumacker (eds);
sandwich: Huber (1967), White (1982), Econometrica 50; weights and clusters: Skinner (1989), Asparouhov & Muthen (2006).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy import linalg

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Numbers = NDArray[Any]  # real, or complex for exact second derivatives


class GroupData(Protocol):
    """What a fit asks of the data of one group."""

    @property
    def n(self) -> float:
        """Rows; weights are scaled to add up to it."""

    def value(self, mean: Floats, cov: Floats) -> float:
        """Give -2 log likelihood / n without its constant; infinite where the covariances are not definite."""

    def slope(self, mean: Numbers, cov: Numbers) -> Numbers:
        """Slope of the log likelihood per row by means and covariances, (p + p*,)."""

    def information(self, cov: Floats) -> Floats:
        """Expected information per row, (p + p*, p + p*)."""

    def meat(self, mean: Floats, cov: Floats) -> Floats:
        """Sum over clusters of the outer products of their slopes, (p + p*, p + p*)."""


@dataclass(frozen=True, slots=True)
class Moments:
    """Complete rows.

    Attributes
    ----------
    n : float
        Rows; weights are scaled to add up to it.
    mean, cov : (p,), (p, p)
        With divisor n.
    fourth : (1 + p + p*, 1 + p + p*), optional
        Sum over clusters of the outer products of sums of w (1, d, dd') with d from the mean; for `meat`.
    """

    n: float
    mean: Floats
    cov: Floats
    fourth: Floats | None = None

    def value(self, mean: Floats, cov: Floats) -> float:
        """Give log|Sigma| + tr((S + dd') Sigma^-1)."""
        half = _half(cov)
        if half is None:
            return np.inf
        off = self.mean - mean
        trace = np.trace(linalg.cho_solve((half, True), self.cov + np.outer(off, off), check_finite=False))
        return 2 * float(np.log(np.diag(half)).sum()) + float(trace)

    def slope(self, mean: Numbers, cov: Numbers) -> Numbers:
        """Sigma^-1 d, and half of Sigma^-1 (S + dd' - Sigma) Sigma^-1."""
        inverse = np.linalg.inv(cov)
        off = self.mean - mean
        spread = inverse @ (self.cov + np.outer(off, off) - cov) @ inverse / 2
        return np.concatenate([inverse @ off, stacked_slope(spread)])

    def information(self, cov: Floats) -> Floats:
        """Of the normal distribution."""
        return normal_information(cov)

    def meat(self, mean: Floats, cov: Floats) -> Floats:
        """From the fourth moments."""
        assert self.fourth is not None
        through = normal_information(cov) @ self._about(mean, cov)
        return np.asarray(through @ self.fourth @ through.T)

    def _about(self, mean: Floats, cov: Floats) -> Floats:
        """Matrix that turns (1, d, dd') about the group's own mean into deviations from what a model says."""
        p = len(mean)
        a, b = lower(p)
        off = self.mean - mean
        out = np.zeros((p + len(a), 1 + p + len(a)))
        out[:p, 0], out[:p, 1 : 1 + p] = off, np.eye(p)
        out[p:, 0] = off[a] * off[b] - cov[a, b]
        rows = np.arange(len(a))
        out[p + rows, 1 + a] += off[b]
        out[p + rows, 1 + b] += off[a]
        out[p:, 1 + p :] = np.eye(len(a))
        return out


@dataclass(frozen=True, slots=True)
class Pattern:
    """Rows with the same answers missing."""

    there: Ints  #: items that are answered
    cells: Ints  #: where their means and covariances stand in the group's statistics
    weight: float  #: sum of weights
    mean: Floats
    cov: Floats
    rows: Ints  #: of the group


@dataclass(frozen=True, slots=True)
class Patterns:
    """Rows with missing answers.

    Attributes
    ----------
    n : float
    patterns : tuple of Pattern
    values : (rows, p)
        NaN where missing.
    weights : (rows,)
        Add up to n.
    cluster : (rows,) int, optional
        None: each row is one.
    """

    n: float
    patterns: tuple[Pattern, ...]
    values: Floats
    weights: Floats
    cluster: Ints | None = None

    def _moments(self) -> Iterator[tuple[Pattern, Moments]]:
        for one in self.patterns:
            yield one, Moments(one.weight, one.mean, one.cov)

    def value(self, mean: Floats, cov: Floats) -> float:
        """Sum over patterns."""
        total = 0.0
        for one, moments in self._moments():
            total += one.weight * moments.value(mean[one.there], cov[np.ix_(one.there, one.there)])
        return total / self.n

    def slope(self, mean: Numbers, cov: Numbers) -> Numbers:
        """Sum over patterns."""
        total = np.zeros(len(mean) + len(mean) * (len(mean) + 1) // 2, dtype=cov.dtype)
        for one, moments in self._moments():
            total[one.cells] += one.weight * moments.slope(mean[one.there], cov[np.ix_(one.there, one.there)])
        return total / self.n

    def information(self, cov: Floats) -> Floats:
        """Sum over patterns."""
        size = len(cov) + len(cov) * (len(cov) + 1) // 2
        total = np.zeros((size, size))
        for one in self.patterns:
            total[np.ix_(one.cells, one.cells)] += one.weight * normal_information(cov[np.ix_(one.there, one.there)])
        return total / self.n

    def meat(self, mean: Floats, cov: Floats) -> Floats:
        """From the rows."""
        slopes = np.zeros((len(self.values), len(mean) + len(mean) * (len(mean) + 1) // 2))
        for one in self.patterns:
            part = cov[np.ix_(one.there, one.there)]
            slopes[np.ix_(one.rows, one.cells)] = _row_slopes(
                self.values[np.ix_(one.rows, one.there)], mean[one.there], part
            )
        slopes *= self.weights[:, None]
        return outer_sums(slopes, self.cluster)


def moments_of(values: Floats, weights: Floats | None, cluster: Ints | None, fourth: bool) -> Moments:
    """Collect complete rows; weights are scaled to add up to their number."""
    n = len(values)
    w = np.ones(n) if weights is None else weights * (n / weights.sum())
    mean = w @ values / n
    off = values - mean
    cov = (off * w[:, None]).T @ off / n
    if not fourth:
        return Moments(float(n), mean, cov)
    a, b = lower(values.shape[1])
    whole = np.column_stack([np.ones(n), off, off[:, a] * off[:, b]])
    return Moments(float(n), mean, cov, outer_sums(whole * w[:, None], cluster))


def patterns_of(values: Floats, weights: Floats | None, cluster: Ints | None) -> Patterns:
    """Collect rows by what is missing; rows without any answer must be gone."""
    n, p = values.shape
    w = np.ones(n) if weights is None else weights * (n / weights.sum())
    answered = ~np.isnan(values)
    kinds, of = np.unique(answered, axis=0, return_inverse=True)
    found = []
    for k, kind in enumerate(kinds):
        rows, there = np.flatnonzero(of.ravel() == k), np.flatnonzero(kind)
        one = moments_of(values[np.ix_(rows, there)], w[rows], None, False)
        found.append(Pattern(there, _cells(there, p), float(w[rows].sum()), one.mean, one.cov, rows))
    return Patterns(float(n), tuple(found), values, w, cluster)


@cache
def lower(p: int) -> tuple[Ints, Ints]:
    """Places of the lower triangle, made once."""
    return np.tril_indices(p)


def stacked_slope(spread: Numbers) -> Numbers:
    """Slope by a symmetric matrix as a slope by its lower triangle."""
    a, b = lower(len(spread))
    return spread[a, b] * np.where(a == b, 1.0, 2.0)


def normal_information(cov: Floats) -> Floats:
    """Information per row on means and covariances of a normal distribution, (p + p*, p + p*)."""
    inverse = np.linalg.inv(cov)
    a, b = lower(len(cov))
    twice = np.where(a == b, 1.0, 2.0)
    pairs = inverse[np.ix_(a, a)] * inverse[np.ix_(b, b)] + inverse[np.ix_(a, b)] * inverse[np.ix_(b, a)]
    p, size = len(cov), len(cov) + len(a)
    out = np.zeros((size, size))
    out[:p, :p], out[p:, p:] = inverse, pairs * np.outer(twice, twice) / 4
    return out


def _half(cov: Floats) -> Floats | None:
    try:
        return np.asarray(linalg.cholesky(cov, lower=True, check_finite=False))
    except linalg.LinAlgError:
        return None


def _cells(there: Ints, p: int) -> Ints:
    """Places of the means and covariances of some items among those of all p."""
    a, b = lower(len(there))
    high, low = there[a], there[b]
    return np.concatenate([there, p + high * (high + 1) // 2 + low])


def _row_slopes(values: Floats, mean: Floats, cov: Floats) -> Floats:
    off = values - mean
    a, b = lower(len(mean))
    deviations = np.column_stack([off, off[:, a] * off[:, b] - cov[a, b]])
    return np.asarray(deviations @ normal_information(cov))


def outer_sums(rows: Floats, cluster: Ints | None) -> Floats:
    """Sum of the outer products of rows, or of sums of rows by cluster times C / (C - 1)."""
    if cluster is None:
        return np.asarray(rows.T @ rows)
    order = np.argsort(cluster, kind="stable")
    starts = np.flatnonzero(np.diff(cluster[order], prepend=cluster[order[0]] - 1))
    sums = np.add.reduceat(rows[order], starts, axis=0)
    return np.asarray(sums.T @ sums) * (len(starts) / max(len(starts) - 1, 1))
