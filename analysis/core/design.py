"""How sure is a number that a complex sample gave?  Linearised (Taylor) errors from one pass over clusters and domains.

Source: arrays of n rows (weights, stratum, cluster, domain, values). A domain is the full sample with the other rows'
weights set to zero. The influence of a row on an estimate is added up to one total per cluster and domain; that total
is zero where the domain has no rows, so only the cells that exist are kept; the strata's zeros enter by their count.

Formulas: Woodruff (1971), JASA 66 (linearisation); Sarndal, Swensson & Wretman (1992), Model Assisted Survey Sampling,
chapters 5, 6 and 10 (linearisation, residuals under calibration, domains). Between-cluster variance of the first stage
only ("ultimate cluster"). A stratum with one cluster is not centred at its own mean but at the grand mean of the
influences, zero for means and ratios ("adjust"). Under calibration an influence is replaced by its residual on the
margins' dummies, by a regression without weights as R's survey does for raked designs, times the calibrated weight.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse import csgraph

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Sample:
    """What the design says of n rows in C clusters in H strata."""

    weights: Floats  #: (n,) sampling weights, at least 0
    cluster: Ints  #: (n,) cluster of each row, 0..C-1; a cluster lies in one stratum
    stratum: Ints  #: (C,) stratum of each cluster, 0..H-1
    clusters: Floats  #: (H,) clusters in each stratum
    factor: Floats  #: (H,) (1 - f) n / (n - 1); (1 - f) in a stratum with one cluster
    lonely: NDArray[np.bool_]  #: (H,) the stratum has one cluster

    @property
    def df(self) -> int:
        """Degrees of freedom of the design: clusters less strata, at least 1."""
        return max(len(self.stratum) - len(self.clusters), 1)


@dataclass(frozen=True, slots=True)
class Cut:
    """Which (domain, cluster) and (domain, stratum) pairs exist; sorted by domain."""

    domains: int  #: number of domains D
    row: Ints  #: (m,) rows that lie in a domain
    domain: Ints  #: (m,) their domain, 0..D-1
    pair: Ints  #: (m,) their (domain, cluster) pair, 0..P-1
    pair_domain: Ints  #: (P,)
    pair_cluster: Ints  #: (P,)
    pair_cell: Ints  #: (P,) the (domain, stratum) cell of the pair, 0..M-1
    cell_domain: Ints  #: (M,)
    cell_stratum: Ints  #: (M,)


@dataclass(frozen=True, slots=True)
class Linearised:
    """One variable in D domains."""

    estimate: Floats  #: (D,) in the unit of the variable; missing where no weight is left
    scores: Floats  #: (P,) influence added up over each (domain, cluster) pair
    residual: sparse.csc_array | None  #: (K, D) coefficients of the influence on the calibration margins
    count: Floats  #: (D,) rows with a value and a weight above zero
    effective: Floats  #: (D,) Kish's (sum w)^2 / sum w^2 of those rows
    df: Floats  #: (D,) clusters less strata in which the domain has such rows, at least 1


@dataclass(frozen=True, slots=True)
class Margins:
    """The K margins the weights were calibrated on."""

    dummies: sparse.csc_array  #: (n, K) 0/1, zero in rows without weight
    inverse: sparse.csr_array  #: (K, K) generalised inverse of X'X, a block for margins that meet in some row
    scaled: sparse.csc_array  #: (C, K) sum of w x in each cluster, times the stratum's factor
    squares: sparse.csr_array  #: (K, K) `scaled` times the sums of w x
    strata: sparse.csr_array  #: (H, K) sum of w x in each stratum
    shrink: Floats  #: (H,) factor / n of each stratum


def sample(
    n: int,
    *,
    weights: Floats | None = None,
    strata: Ints | None = None,
    cluster: Ints | None = None,
    fpc: Floats | None = None,
) -> Sample:
    """Gather the design of n rows.

    Parameters
    ----------
    n : int
        Rows.
    weights : (n,) float, optional
        Sampling weights. Absent: the inverse of the sampling fraction where `fpc` is given, otherwise 1.
    strata, cluster : (n,) int codes, optional
        Absent: one stratum; each row its own cluster. The same cluster code in two strata is two clusters.
    fpc : (n,) float, optional
        Clusters in the population of the row's stratum, or, where all are at most 1, the sampling fraction.

    Raises
    ------
    ValueError
        For weights below zero or not finite; an `fpc` that differs within a stratum or is smaller than the sample.
    """
    stratum_of_row = np.zeros(n, np.int64) if strata is None else _dense(strata)
    rows = np.arange(n) if cluster is None else np.asarray(cluster, np.int64)
    key = stratum_of_row * (int(rows.max(initial=0)) + 1) + rows
    _, first, code = np.unique(key, return_index=True, return_inverse=True)
    stratum = stratum_of_row[first]
    clusters = np.bincount(stratum).astype(float)
    fraction = np.zeros(len(clusters)) if fpc is None else _fraction(fpc, stratum_of_row, clusters)
    lonely = clusters == 1
    factor = (1 - fraction) * np.where(lonely, 1.0, clusters / np.maximum(clusters - 1, 1))
    if weights is None:
        weights = np.ones(n) if fpc is None else 1 / fraction[stratum_of_row]
    return Sample(_checked(weights), code.astype(np.int64), stratum, clusters, factor, lonely)


def cut(design: Sample, domain: Ints, domains: int) -> Cut:
    """Find the pairs that exist. `domain`: (n,) 0..domains-1, or below 0 for a row in none."""
    row = np.flatnonzero(domain >= 0)
    inside = np.asarray(domain, np.int64)[row]
    c, h = len(design.stratum), len(design.clusters)
    pairs, pair = np.unique(inside * c + design.cluster[row], return_inverse=True)
    pair_domain, pair_cluster = np.divmod(pairs, max(c, 1))
    cells, pair_cell = np.unique(pair_domain * h + design.stratum[pair_cluster], return_inverse=True)
    cell_domain, cell_stratum = np.divmod(cells, max(h, 1))
    return Cut(domains, row, inside, pair, pair_domain, pair_cluster, pair_cell, cell_domain, cell_stratum)


def margins(design: Sample, dummies: sparse.csr_array) -> Margins:
    """Prepare calibration margins; columns that repeat others are harmless (generalised inverse)."""
    used = sparse.csc_array(sparse.diags_array((design.weights > 0).astype(float)) @ dummies)
    totals = _indicator(design.cluster, len(design.stratum)) @ (sparse.diags_array(design.weights) @ used)
    scale, shrink = _scales(design)
    scaled = sparse.csc_array(sparse.diags_array(scale) @ totals)
    strata = sparse.csr_array(_gather(design) @ totals)
    squares = sparse.csr_array(totals.T @ scaled)
    return Margins(used, _inverse(sparse.csr_array(used.T @ used)), scaled, squares, strata, shrink)


def linearise(
    design: Sample,
    where: Cut,
    y: Floats,
    x: Floats | None,
    *,
    total: bool = False,
    calibrated: Margins | None = None,
) -> Linearised:
    """Estimate a mean (`x` None), a ratio y/x or a total in every domain, with the influence of every cluster.

    A row counts where y (and x) is not missing. Mean and ratio: R = sum wy / sum wx, influence w (y - R x) / sum wx;
    total: sum wy, influence wy.
    """
    y, base, w = _valid(design, where, y, x)
    d, size = where.domain, where.domains
    over: Floats = np.bincount(d, w * y, size).astype(float)
    under = np.bincount(d, w * base, size)
    weight = np.bincount(d, w, size)
    usable = (weight > 0) & (np.ones(size, bool) if total else under != 0)
    safe = np.where(usable, under, 1.0)
    estimate: Floats = np.where(usable, over if total else over / safe, np.nan)
    influence = w * y if total else w * (y - np.where(usable, over / safe, 0.0)[d] * base) / safe[d]
    scores: Floats = np.bincount(where.pair, influence, len(where.pair_cluster)).astype(float)
    residual = None if calibrated is None else _residual(design, where, calibrated, influence)
    squares = np.bincount(d, w * w, size)
    effective = weight**2 / np.where(squares > 0, squares, 1.0)
    count: Floats = np.bincount(d, w > 0, size).astype(float)
    return Linearised(estimate, scores, residual, count, effective, _df(where, w > 0))


def variances(design: Sample, where: Cut, one: Linearised, calibrated: Margins | None = None) -> Floats:
    """Variance of the estimate in every domain, (D,)."""
    stratum = where.cell_stratum
    centre = np.bincount(where.pair_cell, one.scores, len(stratum)) / design.clusters[stratum]
    centre = np.where(design.lonely[stratum], 0.0, centre)
    present = np.bincount(where.pair_cell, minlength=len(stratum))
    absent = np.where(design.lonely[stratum], 0.0, design.clusters[stratum] - present)
    off = one.scores - centre[where.pair_cell]
    squares = np.bincount(where.pair_cell, off**2, len(stratum)) + absent * centre**2
    variance: Floats = np.bincount(where.cell_domain, design.factor[stratum] * squares, where.domains).astype(float)
    if calibrated is None or one.residual is None:
        return variance
    columns = score_columns(design, where, one.scores)
    explained = calibrated.strata @ one.residual
    own = _gather(design) @ columns
    shrunk = sparse.diags_array(calibrated.shrink) @ explained
    across = _diagonal(calibrated.scaled.T @ columns, one.residual) - _diagonal(own, shrunk)
    square = _diagonal(calibrated.squares @ one.residual, one.residual) - _diagonal(explained, shrunk)
    return np.maximum(variance - 2 * across + square, 0.0)


def score_columns(design: Sample, where: Cut, scores: Floats) -> sparse.csc_array:
    """Lay the pairs' scores out as a sparse (C, D) matrix, a column a domain."""
    ends = np.concatenate([[0], np.cumsum(np.bincount(where.pair_domain, minlength=where.domains))])
    return sparse.csc_array((scores, where.pair_cluster, ends), shape=(len(design.stratum), where.domains))


def covariance(
    design: Sample,
    scores: sparse.csc_array,
    calibrated: Margins | None = None,
    residual: sparse.csc_array | None = None,
) -> Floats:
    """Covariance matrix (S, S) of S estimates from their (C, S) scores; `residual` (K, S) as in `Linearised`."""
    plain = _crossed(design, scores, scores)
    if calibrated is None or residual is None:
        return plain
    explained = calibrated.strata @ residual
    shrunk = sparse.diags_array(calibrated.shrink) @ explained
    across = ((scores.T @ calibrated.scaled) @ residual - (_gather(design) @ scores).T @ shrunk).toarray()
    return plain - across - across.T + (residual.T @ calibrated.squares @ residual - explained.T @ shrunk).toarray()


def _dense(codes: Ints) -> Ints:
    return np.unique(np.asarray(codes, np.int64), return_inverse=True)[1].astype(np.int64)


def _fraction(fpc: Floats, stratum_of_row: Ints, clusters: Floats) -> Floats:
    given = np.asarray(fpc, float)
    lowest, highest = np.full(len(clusters), np.inf), np.full(len(clusters), -np.inf)
    np.minimum.at(lowest, stratum_of_row, given)
    np.maximum.at(highest, stratum_of_row, given)
    if not np.isfinite(given).all() or (given <= 0).any():
        raise ValueError(
            "fpc must be above zero and never missing: clusters in the stratum's population, or a fraction"
        )
    if (lowest != highest).any():
        raise ValueError(f"fpc must be one number in each stratum; it differs within {int((lowest != highest).sum())}")
    fraction = lowest if (given <= 1).all() else clusters / lowest
    if (fraction > 1 + 1e-9).any():
        raise ValueError(
            "fpc says that a stratum's population has fewer clusters than the sample; give population sizes"
        )
    return np.minimum(fraction, 1.0)


def _checked(weights: Floats) -> Floats:
    weights = np.asarray(weights, float)
    if not np.isfinite(weights).all() or (weights < 0).any():
        bad = int((~np.isfinite(weights) | (weights < 0)).sum())
        raise ValueError(f"weights must be numbers of at least zero; {bad} of {len(weights)} are missing or below zero")
    return weights


def _indicator(codes: Ints, levels: int) -> sparse.csr_array:
    n = len(codes)
    return sparse.csr_array((np.ones(n), (codes, np.arange(n))), shape=(levels, n))


def _valid(design: Sample, where: Cut, y: Floats, x: Floats | None) -> tuple[Floats, Floats, Floats]:
    y = y[where.row]
    base = np.ones(len(y)) if x is None else x[where.row]
    there = ~(np.isnan(y) | np.isnan(base))
    return np.where(there, y, 0.0), np.where(there, base, 0.0), np.where(there, design.weights[where.row], 0.0)


def _residual(design: Sample, where: Cut, calibrated: Margins, influence: Floats) -> sparse.csc_array:
    """Coefficients of the unweighted regression of influence / weight on the margins, (K, D)."""
    weight = design.weights[where.row]
    plain = np.divide(influence, weight, out=np.zeros(len(weight)), where=weight > 0)
    n = calibrated.dummies.shape[0]
    ends = np.zeros(n + 1, np.int64)
    ends[where.row + 1] = 1
    rows = sparse.csr_array((plain, where.domain, np.cumsum(ends)), shape=(n, where.domains))
    return sparse.csc_array(calibrated.inverse @ (calibrated.dummies.T @ rows))


def _df(where: Cut, counted: NDArray[np.bool_]) -> Floats:
    pairs = np.bincount(where.pair, counted, len(where.pair_cluster)) > 0
    cells = np.bincount(where.pair_cell, pairs, len(where.cell_domain)) > 0
    clusters = np.bincount(where.pair_domain, pairs, where.domains)
    return np.maximum(clusters - np.bincount(where.cell_domain, cells, where.domains), 1).astype(float)


def _scales(design: Sample) -> tuple[Floats, Floats]:
    """Factor of every cluster (C,), and factor / n of every stratum, zero where it has one cluster (H,)."""
    return design.factor[design.stratum], np.where(design.lonely, 0.0, design.factor / design.clusters)


def _gather(design: Sample) -> sparse.csr_array:
    return _indicator(design.stratum, len(design.clusters))


def _inverse(gram: sparse.csr_array) -> sparse.csr_array:
    """Generalised inverse, block by block of columns that are linked."""
    count, block = csgraph.connected_components(gram, directed=False)
    order = np.argsort(block, kind="stable")
    parts = np.split(order, np.cumsum(np.bincount(block, minlength=count))[:-1])
    inverses = [np.linalg.pinv(gram[p][:, p].toarray(), rcond=1e-11, hermitian=True) for p in parts]
    rows = np.concatenate([np.repeat(p, len(p)) for p in parts])
    columns = np.concatenate([np.tile(p, len(p)) for p in parts])
    return sparse.csr_array((np.concatenate([i.ravel() for i in inverses]), (rows, columns)), shape=gram.shape)


def _diagonal(left: sparse.csc_array, right: sparse.csc_array) -> Floats:
    """Diagonal of left'right."""
    return np.asarray(left.multiply(right).sum(axis=0)).ravel()


def _crossed(design: Sample, left: sparse.csc_array, right: sparse.csc_array) -> Floats:
    """Sum over strata of factor * (left'right - the strata's totals' product / n), dense."""
    scale, shrink = _scales(design)
    inner = (left.T @ (sparse.diags_array(scale) @ right)).toarray()
    gather = _gather(design)
    return inner - ((gather @ left).T @ (sparse.diags_array(shrink) @ (gather @ right))).toarray()
