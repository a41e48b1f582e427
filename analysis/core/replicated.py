"""How sure is a number, by what it would have been under replicate weights?  Jackknife, bootstrap and BRR in one formula.

Source: the full weights, R sets of replicate weights, the domain of each row, values.
:math:`v = \\sum_r a_r (\\hat\\theta_r - c)^2` with coefficients a_r (JKn: (n_h - 1) / n_h; BRR and bootstrap: 1 / R) around the
full-sample estimate or the replicates' mean. Wolter (2007), Introduction to Variance Estimation, chapters 3-5.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from analysis.core.design import Floats, Ints, compact
from analysis.core.linearised import Cut, valid

BLOCK = 50_000_000  # weights multiplied at a time: 400 MB
RANK = 1e-12
WIDE = 4  # times R random sums of rows


@dataclass(frozen=True, slots=True)
class Replicated:
    """R sets of weights of n rows."""

    weights: Floats  #: (n, R)
    coefficients: Floats  #: (R,) a_r, at least 0
    around_mean: bool  #: deviations from the mean of the replicates that count, not from the full-sample estimate
    df: int  #: degrees of freedom: rank of the replicate weights less 1


@dataclass(frozen=True, slots=True)
class Spread:
    """How S replicated estimates vary together."""

    deviations: Floats  #: (R, S) sqrt(a_r) (theta_r - c)

    def covariance(self, positions: Ints) -> Floats:
        """Covariance matrix of the estimates at these positions."""
        own = self.deviations[:, positions]
        return own.T @ own

    def variances(self, combinations: sparse.csc_array) -> Floats:
        """Variance of linear combinations, one a column of (S, P)."""
        return np.asarray(((self.deviations @ combinations) ** 2).sum(axis=0)).ravel()

    def beside(self, other: Spread) -> Spread:
        """These estimates and others under the same replicates, as one."""
        return Spread(np.hstack([self.deviations, other.deviations]))


def rank_df(weights: Floats) -> int:
    """Rank of the (n, R) weights less 1, at least 1; of many rows, by random sums of them, which have the same rank."""
    n, r = weights.shape
    if n > WIDE * r:
        rng = np.random.default_rng(0)
        mix = sparse.csr_array((rng.normal(size=n), (rng.integers(0, WIDE * r, n), np.arange(n))), shape=(WIDE * r, n))
        weights = mix @ weights
    size = np.maximum(np.sqrt((weights**2).sum(axis=0)), np.finfo(float).tiny)
    values = np.linalg.eigvalsh((weights.T @ weights) / np.outer(size, size))
    return max(int((values > RANK * values[-1]).sum()) - 1, 1)


def clusters_of(given: Replicated, full: Floats) -> Ints:
    """Number the rows that are drawn together, (n,): zero under the same replicates; where no weight is zero, moved alike."""
    draw = np.random.default_rng(0).normal(size=given.weights.shape[1])
    left_out = given.weights == 0
    if left_out.any(axis=1)[full > 0].all():
        mix = left_out @ draw
    else:
        mix = np.divide(given.weights @ draw, full, out=np.zeros(len(full)), where=full > 0)
    return np.unique(mix.round(9), return_inverse=True)[1].astype(np.int64)


def drawn_clusters(cluster: Ints, where: Cut, counted: NDArray[np.bool_]) -> Floats:
    """Clusters with a counted row in each domain, (D,)."""
    size = int(cluster.max(initial=0)) + 1
    found, _ = compact(where.domain[counted] * size + cluster[where.row][counted])
    return np.bincount(found // size, minlength=where.domains).astype(float)


def deviations(
    given: Replicated, where: Cut, y: Floats, x: Floats | None, full: Floats, *, total: bool = False
) -> Floats:
    """Scaled deviations (R, D) of a mean, ratio or total in every domain from its centre.

    A replicate under which a domain has no weight deviates by nothing there, as if it had not been drawn.
    """
    y, base, there = valid(np.ones(len(given.weights)), where, y, x)
    over = _sums(given, where, y)
    theta = over if total else np.divide(over, under := _sums(given, where, base * there), where=under != 0,
                                         out=np.full(over.shape, np.nan))  # fmt: skip
    counted = given.coefficients > 0
    centre = np.nanmean(theta[:, counted], axis=1) if given.around_mean and counted.any() else full
    off = np.nan_to_num(theta - centre[:, None])
    return (off * np.sqrt(given.coefficients)).T


def refitted(given: Replicated, theta: Floats, full: Floats) -> Spread:
    """Spread of S numbers found anew under each set of weights, (R, S).

    A set without numbers (NaN) is left out, and the others count for it too.
    """
    there = np.asarray(np.isfinite(theta).all(axis=1))
    weight = np.where(there, given.coefficients, 0.0)
    if weight.sum() > 0:
        weight = weight * (given.coefficients.sum() / weight.sum())
    centre = theta[weight > 0].mean(axis=0) if given.around_mean and (weight > 0).any() else full
    return Spread(np.where(there[:, None], theta - centre, 0.0) * np.sqrt(weight)[:, None])


def _sums(given: Replicated, where: Cut, values: Floats) -> Floats:
    """Sum of values times weights in every domain and replicate, (D, R)."""
    n, r = given.weights.shape
    rows = sparse.csr_array((values, (where.domain, where.row)), shape=(where.domains, n))
    step = max(BLOCK // max(n, 1), 1)
    return np.hstack([rows @ given.weights[:, k : k + step] for k in range(0, r, step)])
