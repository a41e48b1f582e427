"""How sure is a number that a complex sample gave?  Linearised (Taylor) errors from one pass over clusters and domains.

Source: a `Sample`, the domain of each row, values. A domain is the full sample with the other rows' weights set to zero. The
influence of a row on an estimate is added up to one total per cluster and domain; that total is zero where the domain has
no rows, so only the cells that exist are kept; the strata's zeros enter by their count.

Formulas: Woodruff (1971), JASA 66 (linearisation); Sarndal, Swensson & Wretman (1992), Model Assisted Survey Sampling,
chapters 5, 6 and 10 (linearisation, residuals under calibration, domains). A stratum with one cluster is not centred at
its own mean but at the grand mean of the influences, zero for means and ratios ("adjust"). Under calibration an influence is
replaced by its residual on the auxiliaries times the calibrated weight; the regression is without weights for raking and
post-stratification, and with the starting weights for linear calibration, as in R's survey.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse import csgraph

from analysis.core.design import Floats, Ints, Sample, Stage, compact, indicator


@dataclass(frozen=True, slots=True)
class Pairs:
    """Which (domain, cluster) and (domain, stratum) pairs exist at one stage; sorted by domain."""

    pair: Ints  #: (m,) the (domain, cluster) pair of each row of the cut, 0..P-1
    domain: Ints  #: (P,)
    cluster: Ints  #: (P,)
    cell: Ints  #: (P,) the (domain, stratum) cell of the pair, 0..M-1
    cell_domain: Ints  #: (M,)
    cell_stratum: Ints  #: (M,)


@dataclass(frozen=True, slots=True)
class Cut:
    """The rows that lie in D domains."""

    domains: int  #: number of domains D
    row: Ints  #: (m,) rows that lie in a domain
    domain: Ints  #: (m,) their domain, 0..D-1
    pairs: tuple[Pairs, ...]  #: one a stage


@dataclass(frozen=True, slots=True)
class Linearised:
    """One variable in D domains."""

    estimate: Floats  #: (D,) in the unit of the variable; missing where no weight is left
    scores: tuple[Floats, ...]  #: a stage: (P,) influence added up over each (domain, cluster) pair
    residual: sparse.csc_array | None  #: (K, D) coefficients of the influence on the calibration's auxiliaries
    count: Floats  #: (D,) rows with a value and a weight above zero
    effective: Floats  #: (D,) Kish's (sum w)^2 / sum w^2 of those rows
    clusters: Floats  #: (D,) first-stage clusters in which the domain has such rows
    df: Floats  #: (D,) those clusters less their strata, at least 1
    simple: Floats  #: (D,) variance under simple random sampling of as many rows, for the design effect


@dataclass(frozen=True, slots=True)
class StageMargins:
    """The K auxiliaries at one stage."""

    scaled: sparse.csc_array  #: (C, K) sum of w x in each cluster, times the stratum's factor
    squares: sparse.csr_array  #: (K, K) `scaled` times the sums of w x
    strata: sparse.csr_array  #: (H, K) sum of w x in each stratum


@dataclass(frozen=True, slots=True)
class Margins:
    """The K auxiliaries the weights were calibrated on."""

    columns: sparse.csc_array  #: (n, K) zero in rows without weight
    regression: Floats  #: (n,) weight of each row in the regression of influences
    inverse: sparse.csr_array  #: (K, K) generalised inverse of X'QX, a block for auxiliaries that meet in some row
    stages: tuple[StageMargins, ...]


@dataclass(frozen=True, slots=True)
class Spread:
    """How S linearised estimates vary together."""

    sample: Sample
    scores: tuple[sparse.csc_array, ...]  #: a stage: (C, S)
    calibrated: Margins | None
    residual: sparse.csc_array | None  #: (K, S)

    def covariance(self, positions: Ints) -> Floats:
        """Covariance matrix of the estimates at these positions, dense."""
        residual = None if self.residual is None else self.residual[:, positions]
        return covariance(self.sample, [s[:, positions] for s in self.scores], self.calibrated, residual)

    def variances(self, combinations: sparse.csc_array) -> Floats:
        """Variance of linear combinations, one a column of (S, P), without a matrix S by S."""
        residual = None if self.residual is None else sparse.csc_array(self.residual @ combinations)
        scores = [sparse.csc_array(s @ combinations) for s in self.scores]
        return column_variances(self.sample, scores, self.calibrated, residual)

    def beside(self, other: Spread) -> Spread:
        """These estimates and others of the same sample, as one."""
        scores = tuple(sparse.hstack(both, format="csc") for both in zip(self.scores, other.scores, strict=True))
        parts = [r for r in (self.residual, other.residual) if r is not None]
        residual = sparse.hstack(parts, format="csc") if parts else None
        return Spread(self.sample, scores, self.calibrated, residual)


def cut(design: Sample, domain: Ints, domains: int) -> Cut:
    """Find the pairs that exist. `domain`: (n,) 0..domains-1, or below 0 for a row in none."""
    row = np.flatnonzero(domain >= 0)
    inside = np.asarray(domain, np.int64)[row]
    return Cut(domains, row, inside, tuple(_pairs(stage, row, inside) for stage in design.stages))


def _pairs(stage: Stage, row: Ints, inside: Ints) -> Pairs:
    c, h = len(stage.stratum), len(stage.clusters)
    if c == len(stage.cluster):  # each row is its own: nothing to find, only to sort, by counting
        order = indicator(inside, int(inside.max(initial=-1)) + 1).indices.astype(np.int64)
        domain, cluster = inside.take(order), stage.cluster.take(row.take(order))
        pair = np.empty(len(row), np.int64)
        pair[order] = np.arange(len(row))
    else:
        pairs, pair = compact(inside * c + stage.cluster.take(row))
        domain = pairs // max(c, 1)
        cluster = pairs - domain * c
    cells, cell = compact(domain * h + stage.stratum.take(cluster))
    cell_domain, cell_stratum = np.divmod(cells, max(h, 1))
    return Pairs(pair, domain, cluster, cell, cell_domain, cell_stratum)


def margins(design: Sample, columns: sparse.csr_array, regression: Floats | None = None) -> Margins:
    """Prepare a calibration's auxiliaries; columns that repeat others are harmless (generalised inverse).

    `regression`: (n,) weights of the regression; None: all alike.
    """
    used = sparse.csc_array(sparse.diags_array((design.weights > 0).astype(float)) @ columns)
    weighing = np.ones(len(design.weights)) if regression is None else regression
    weighted = sparse.diags_array(design.weights) @ used
    gram = sparse.csr_array(used.T @ (sparse.diags_array(weighing) @ used))
    return Margins(used, weighing, _inverse(gram), tuple(_stage_margins(s, weighted) for s in design.stages))


def _stage_margins(stage: Stage, weighted: sparse.csr_array) -> StageMargins:
    totals = indicator(stage.cluster, len(stage.stratum)) @ weighted
    scaled = sparse.csc_array(sparse.diags_array(stage.factor[stage.stratum]) @ totals)
    return StageMargins(scaled, sparse.csr_array(totals.T @ scaled), sparse.csr_array(stage.gather() @ totals))


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
    y, base, w = valid(design.weights, where, y, x)
    d, size = where.domain, where.domains
    over: Floats = np.bincount(d, w * y, size).astype(float)
    under = np.bincount(d, w * base, size)
    weight: Floats = np.bincount(d, w, size).astype(float)
    usable = (weight > 0) & (np.ones(size, bool) if total else under != 0)
    safe = np.where(usable, under, 1.0)
    estimate: Floats = np.where(usable, over if total else over / safe, np.nan)
    influence = w * y if total else w * (y - np.where(usable, over / safe, 0.0)[d] * base) / safe[d]
    scores = tuple(np.bincount(p.pair, influence, len(p.domain)).astype(float) for p in where.pairs)
    residual = None if calibrated is None else _residual(design, where, calibrated, influence)
    squares = np.bincount(d, w * w, size)
    effective = weight**2 / np.where(squares > 0, squares, 1.0)
    count: Floats = np.bincount(d, w > 0, size).astype(float)
    clusters, df = _clusters(where.pairs[0], w > 0, size)
    simple = _simple(influence, w, weight, count, where)
    return Linearised(estimate, scores, residual, count, effective, clusters, df, simple)


def _simple(influence: Floats, w: Floats, weight: Floats, count: Floats, where: Cut) -> Floats:
    """(sum w)^2 (1 - n / sum w) s^2 / n with s^2 the weighted variance of influence / w; no fraction where sum w <= n."""
    d, size = where.domain, where.domains
    value = np.divide(influence, w, out=np.zeros(len(w)), where=w > 0)
    some, many = np.maximum(weight, 1e-300), np.maximum(count, 2)
    mean = np.bincount(d, influence, size) / some
    spread = np.bincount(d, w * (value - mean[d]) ** 2, size) / some * count / (many - 1)
    return weight**2 * np.where(weight > count, 1 - count / some, 1.0) * spread / np.maximum(count, 1)


def variances(design: Sample, where: Cut, one: Linearised, calibrated: Margins | None = None) -> Floats:
    """Variance of the estimate in every domain, (D,)."""
    if calibrated is not None:
        return column_variances(design, score_columns(design, where, one.scores), calibrated, one.residual)
    parts = zip(design.stages, where.pairs, one.scores, strict=True)
    return np.sum([_stage_variances(stage, pairs, s, where.domains) for stage, pairs, s in parts], axis=0)


def _stage_variances(stage: Stage, pairs: Pairs, scores: Floats, domains: int) -> Floats:
    stratum = pairs.cell_stratum
    centre = np.bincount(pairs.cell, scores, len(stratum)) / stage.clusters[stratum]
    centre = np.where(stage.lonely[stratum], 0.0, centre)
    present = np.bincount(pairs.cell, minlength=len(stratum))
    absent = np.where(stage.lonely[stratum], 0.0, stage.clusters[stratum] - present)
    off = scores - centre[pairs.cell]
    squares = np.bincount(pairs.cell, off**2, len(stratum)) + absent * centre**2
    return np.bincount(pairs.cell_domain, stage.factor[stratum] * squares, domains).astype(float)


def score_columns(design: Sample, where: Cut, scores: tuple[Floats, ...]) -> list[sparse.csc_array]:
    """Lay the pairs' scores of each stage out as a sparse (C, D) matrix, a column a domain."""
    laid = []
    for stage, pairs, one in zip(design.stages, where.pairs, scores, strict=True):
        ends = np.concatenate([[0], np.cumsum(np.bincount(pairs.domain, minlength=where.domains))])
        laid.append(sparse.csc_array((one, pairs.cluster, ends), shape=(len(stage.stratum), where.domains)))
    return laid


def column_variances(
    design: Sample,
    scores: list[sparse.csc_array],
    calibrated: Margins | None = None,
    residual: sparse.csc_array | None = None,
) -> Floats:
    """Variance (S,) of each of S estimates from the scores of every stage; `residual` (K, S) as in `Linearised`."""
    total = np.zeros(scores[0].shape[1])
    for k, (stage, own) in enumerate(zip(design.stages, scores, strict=True)):
        shrink = sparse.diags_array(stage.shrink)
        sums = stage.gather() @ own
        scaled = sparse.diags_array(stage.factor[stage.stratum]) @ own
        total += _diagonal(own, scaled) - _diagonal(sums, shrink @ sums)
        if calibrated is None or residual is None:
            continue
        at = calibrated.stages[k]
        explained = at.strata @ residual
        shrunk = shrink @ explained
        across = _diagonal(at.scaled.T @ own, residual) - _diagonal(sums, shrunk)
        total += _diagonal(at.squares @ residual, residual) - _diagonal(explained, shrunk) - 2 * across
    return np.maximum(total, 0.0)


def covariance(
    design: Sample,
    scores: list[sparse.csc_array],
    calibrated: Margins | None = None,
    residual: sparse.csc_array | None = None,
) -> Floats:
    """Covariance matrix (S, S) of S estimates; arguments as in `column_variances`."""
    total = np.zeros((scores[0].shape[1],) * 2)
    for k, (stage, own) in enumerate(zip(design.stages, scores, strict=True)):
        shrink, sums = sparse.diags_array(stage.shrink), stage.gather() @ own
        scaled = sparse.diags_array(stage.factor[stage.stratum]) @ own
        total += (own.T @ scaled).toarray() - (sums.T @ (shrink @ sums)).toarray()
        if calibrated is None or residual is None:
            continue
        at = calibrated.stages[k]
        explained = at.strata @ residual
        shrunk = shrink @ explained
        across = ((own.T @ at.scaled) @ residual - sums.T @ shrunk).toarray()
        total += (residual.T @ at.squares @ residual - explained.T @ shrunk).toarray() - across - across.T
    return total


def valid(weights: Floats, where: Cut, y: Floats, x: Floats | None) -> tuple[Floats, Floats, Floats]:
    """Values, bases and weights of a cut's rows, all zero where a value is missing."""
    y = y[where.row]
    base = np.ones(len(y)) if x is None else x[where.row]
    there = ~(np.isnan(y) | np.isnan(base))
    return np.where(there, y, 0.0), np.where(there, base, 0.0), np.where(there, weights[where.row], 0.0)


def _residual(design: Sample, where: Cut, calibrated: Margins, influence: Floats) -> sparse.csc_array:
    """Coefficients of the regression of influence / weight on the auxiliaries, (K, D)."""
    weight = design.weights[where.row]
    plain = np.divide(influence, weight, out=np.zeros(len(weight)), where=weight > 0) * calibrated.regression[where.row]
    n = calibrated.columns.shape[0]
    ends = np.zeros(n + 1, np.int64)
    ends[where.row + 1] = 1
    rows = sparse.csr_array((plain, where.domain, np.cumsum(ends)), shape=(n, where.domains))
    return sparse.csc_array(calibrated.inverse @ (calibrated.columns.T @ rows))


def _clusters(pairs: Pairs, counted: NDArray[np.bool_], domains: int) -> tuple[Floats, Floats]:
    there = np.bincount(pairs.pair, counted, len(pairs.domain)) > 0
    cells = np.bincount(pairs.cell, there, len(pairs.cell_domain)) > 0
    clusters = np.bincount(pairs.domain, there, domains)
    strata = np.bincount(pairs.cell_domain, cells, domains)
    return clusters.astype(float), np.maximum(clusters - strata, 1).astype(float)


def _inverse(gram: sparse.csr_array) -> sparse.csr_array:
    """Generalised inverse, block by block of columns that are linked."""
    count, block = csgraph.connected_components(gram, directed=False)
    order = np.argsort(block, kind="stable")
    parts = np.split(order, np.cumsum(np.bincount(block, minlength=count))[:-1])
    inverses = [_pinv(gram[p][:, p].toarray()) for p in parts]
    rows = np.concatenate([np.repeat(p, len(p)) for p in parts])
    columns = np.concatenate([np.tile(p, len(p)) for p in parts])
    return sparse.csr_array((np.concatenate([i.ravel() for i in inverses]), (rows, columns)), shape=gram.shape)


def _pinv(block: Floats) -> Floats:
    """Generalised inverse, columns brought to one length first: counts and sums of money may stand side by side."""
    size = np.sqrt(np.diag(block))
    size = np.where(size > 0, size, 1.0)
    return np.linalg.pinv(block / np.outer(size, size), rcond=1e-11, hermitian=True) / np.outer(size, size)


def _diagonal(left: sparse.csc_array, right: sparse.csc_array) -> Floats:
    """Diagonal of left'right."""
    return np.asarray(left.multiply(right).sum(axis=0)).ravel()
