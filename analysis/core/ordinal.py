"""Ordered answers: thresholds, polychoric correlations, their asymptotic covariance, and a factor model's fit to them.

Two steps: thresholds from each item's proportions, each correlation by maximum likelihood from its table of two items
(Olsson 1979, Psychometrika 44); asymptotic covariance by Muthen (1984), Psychometrika 49. Fit by diagonally weighted least squares
(Muthen, du Toit & Spisic 1997). Statistics of a group: thresholds item by item, then correlations by the strict lower triangle.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special

from analysis.core.factor_data import outer_sums
from analysis.core.structural import (
    Blueprint,
    Implied,
    Optimum,
    Release,
    Scores,
    by_elements,
    descend,
    implied,
    left_over,
)
from analysis.core.structural import inverse as invert

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
EDGE = 0.999  # largest correlation that is looked for
TINY = 1e-12
ROUNDS = 60
NODES = 31  # of a quadrature


@dataclass(frozen=True, slots=True)
class Ordered:
    """Statistics of one group of ordered answers.

    Attributes
    ----------
    n : float
        Rows; weights are scaled to add up to it.
    item : (t,) int
        Item of each threshold.
    thresholds : (t,)
    correlation : (p, p)
    gamma : (t + c, t + c)
        n times the covariance of thresholds and correlations.
    extreme : tuple of pairs of int
        Items whose correlation runs to its end, or cannot be told: a copy, or a table with empty corners.
    """

    n: float
    item: Ints
    thresholds: Floats
    correlation: Floats
    gamma: Floats
    extreme: tuple[tuple[int, int], ...]

    @property
    def statistics(self) -> Floats:
        """Thresholds and correlations, (t + c,)."""
        return np.concatenate([self.thresholds, self.correlation[below(len(self.correlation))]])

    @property
    def weight(self) -> Floats:
        """Diagonal weights: one over the asymptotic variances."""
        return 1 / np.diag(self.gamma)


@dataclass(frozen=True, slots=True)
class _Pair:
    """One table of two items."""

    rho: float
    slopes: Floats  #: (r, c) of the log probability of each cell by rho
    by_thresholds: tuple[Floats, Floats]  #: (r, c, thresholds) of the same by the thresholds of either item
    extreme: bool


def below(p: int) -> tuple[Ints, Ints]:
    """Strict lower triangle, column by column of `numpy.tril_indices`."""
    return np.tril_indices(p, -1)


def ordered_of(codes: Ints, sizes: Sequence[int], weights: Floats | None, cluster: Ints | None) -> Ordered:
    """Collect the statistics of complete rows.

    Parameters
    ----------
    codes : (n, p) int
        Category of each answer, 0..C_j - 1; each occurs.
    sizes : p numbers of categories
    weights : (n,) float, optional
    cluster : (n,) int, optional
    """
    n, p = codes.shape
    w = np.ones(n) if weights is None else weights * (n / weights.sum())
    margins = [np.bincount(codes[:, j], w, size) / n for j, size in enumerate(sizes)]
    cuts = [special.ndtri(np.cumsum(m)[:-1]) for m in margins]
    start = np.concatenate([[0], np.cumsum([s - 1 for s in sizes])]).astype(np.int64)
    scores = np.zeros((n, int(start[-1]) + p * (p - 1) // 2))
    bread = np.zeros((scores.shape[1], scores.shape[1]))
    for j, (cut, margin) in enumerate(zip(cuts, margins, strict=True)):
        at = slice(int(start[j]), int(start[j + 1]))
        slopes = _threshold_slopes(cut, margin)
        scores[:, at] = slopes[codes[:, j]]
        bread[at, at] = (slopes * (n * margin)[:, None]).T @ slopes
    correlation, extreme = np.eye(p), []
    for k, (i, j) in enumerate(zip(*below(p), strict=True)):
        table = (
            np.bincount(codes[:, i] * sizes[j] + codes[:, j], w, sizes[i] * sizes[j])
            .reshape(sizes[i], sizes[j])
            .astype(float)
        )
        pair = _pair(table, cuts[i], cuts[j])
        row = int(start[-1]) + k
        scores[:, row] = pair.slopes[codes[:, i], codes[:, j]]
        bread[row, row] = float((table * pair.slopes**2).sum())
        for item, by in zip((i, j), pair.by_thresholds, strict=True):
            bread[row, start[item] : start[item + 1]] = np.einsum("rc,rc,rct->t", table, pair.slopes, by)
        correlation[i, j] = correlation[j, i] = pair.rho
        extreme += [(int(i), int(j))] if pair.extreme else []
    influence = np.linalg.pinv(bread)
    gamma = n * influence @ outer_sums(scores * w[:, None], cluster) @ influence.T
    item = np.repeat(np.arange(p), np.diff(start))
    return Ordered(float(n), item, np.concatenate(cuts), correlation, gamma, tuple(extreme))


def _threshold_slopes(cut: Floats, margin: Floats) -> Floats:
    """Slope of the log probability of each category by each threshold, (C, C - 1)."""
    density, k = _density(cut), np.arange(len(cut))
    out = np.zeros((len(margin), len(cut)))
    out[k, k] = density / margin[:-1]
    out[k + 1, k] = -density / margin[1:]
    return out


def _density(x: Any) -> Any:
    return np.exp(-(np.asarray(x) ** 2) / 2) / np.sqrt(2 * np.pi)


def polychoric(table: Floats) -> float:
    """Polychoric correlation of two ordered items from their table of counts (r, c); no count is added to empty cells of a
    table larger than two by two (Olsson 1979)."""
    rows, columns = table.sum(axis=1), table.sum(axis=0)
    cuts = [special.ndtri(np.cumsum(m)[:-1] / m.sum()) for m in (rows, columns)]
    return _pair(table, *cuts).rho


def _pair(table: Floats, cut_i: Floats, cut_j: Floats) -> _Pair:
    """Correlation by scoring, each step kept inside the range."""
    filled = _filled(table)
    share = filled / filled.sum()
    rho = float(np.clip(_product_moment(share, cut_i, cut_j), -0.9, 0.9))
    for _ in range(ROUNDS):
        probability, by_rho = _cells(cut_i, cut_j, rho)
        slopes = by_rho / probability
        step = float((share * slopes).sum() / max((probability * slopes**2).sum(), TINY))
        after = float(np.clip(rho + step, (rho - EDGE) / 2, (rho + EDGE) / 2))
        if abs(after - rho) < 1e-13:
            break
        rho = after
    probability, by_rho = _cells(cut_i, cut_j, rho)
    by = (_by_cuts(cut_i, cut_j, rho), _by_cuts(cut_j, cut_i, rho).transpose(1, 0, 2))
    shares = tuple(b / probability[:, :, None] for b in by)
    blind = float(table.sum()) * float((by_rho**2 / probability).sum()) < 1  # an error above 1: any correlation does
    return _Pair(rho, by_rho / probability, (shares[0], shares[1]), blind or abs(rho) > EDGE - 0.005)


def _filled(table: Floats) -> Floats:
    """A table of two by two with an empty cell gets half an answer there, margins kept; larger ones stay as they are."""
    if table.shape != (2, 2) or (table > 0).all():
        return table
    i, j = np.argwhere(table <= 0)[0]
    sign = 1 if i == j else -1
    return np.asarray(table + np.array([[0.5, -0.5], [-0.5, 0.5]]) * sign)


def _product_moment(share: Floats, cut_i: Floats, cut_j: Floats) -> float:
    """Correlation of the expected latent values of each category, to start from."""
    scores = []
    for cut, margin in ((cut_i, share.sum(axis=1)), (cut_j, share.sum(axis=0))):
        ends = np.concatenate([[0.0], _density(cut), [0.0]])
        scores.append((ends[:-1] - ends[1:]) / np.maximum(margin, TINY))
    x, y = scores
    spread = np.sqrt((share.sum(axis=1) @ x**2) * (share.sum(axis=0) @ y**2))
    return float(x @ share @ y / spread)


def _cells(cut_i: Floats, cut_j: Floats, rho: float) -> tuple[Floats, Floats]:
    """Probability of each cell of a bivariate normal cut at thresholds, and its slope by rho."""
    a, b = (np.concatenate([[-np.inf], cut, [np.inf]]) for cut in (cut_i, cut_j))
    whole = bivariate(a[:, None], b[None, :], rho)
    root = 1 - rho**2
    density = np.zeros(whole.shape)
    x, y = a[1:-1, None], b[None, 1:-1]
    density[1:-1, 1:-1] = np.exp(-(x**2 - 2 * rho * x * y + y**2) / (2 * root)) / (2 * np.pi * np.sqrt(root))
    return np.maximum(_boxes(whole), TINY), _boxes(density)


def _boxes(corners: Floats) -> Floats:
    return np.asarray(np.diff(np.diff(corners, axis=0), axis=1))


def _by_cuts(cut_i: Floats, cut_j: Floats, rho: float) -> Floats:
    """Slope of each cell's probability by the thresholds of the first item, (C_i, C_j, C_i - 1)."""
    b = np.concatenate([[-np.inf], cut_j, [np.inf]])
    edge = _density(cut_i)[:, None] * special.ndtr((b[None, :] - rho * cut_i[:, None]) / np.sqrt(1 - rho**2))
    strips, k = np.diff(edge, axis=1), np.arange(len(cut_i))
    out = np.zeros((len(cut_i) + 1, len(cut_j) + 1, len(cut_i)))
    out[k, :, k] = strips
    out[k + 1, :, k] = -strips
    return out


def bivariate(h: Floats, k: Floats, rho: float) -> Floats:
    """P(X <= h, Y <= k) of two standard normal variables with correlation rho, by Owen's T (Owen 1956)."""
    h, k = np.broadcast_arrays(np.asarray(h, dtype=float), np.asarray(k, dtype=float))
    finite = np.isfinite(h) & np.isfinite(k)
    out = np.where(h == np.inf, special.ndtr(k), np.where(k == np.inf, special.ndtr(h), 0.0))
    # a threshold at zero has no ratio; its limit is taken a hair beside it
    x, y = (np.where(np.abs(v) < 1e-14, 1e-14, v) for v in (h[finite], k[finite]))
    root = np.sqrt(1 - rho**2)
    half = np.where(x * y < 0, 0.5, 0.0)
    owen = special.owens_t(x, (y - rho * x) / (x * root)) + special.owens_t(y, (x - rho * y) / (y * root))
    out[finite] = (special.ndtr(x) + special.ndtr(y)) / 2 - owen - half
    return np.asarray(out)


def said(model: Blueprint, x: Floats, item: Ints, scaled: bool) -> tuple[Floats, Floats, Ints]:
    """Thresholds and correlations that a model implies for a group, their Jacobian, and the parameters it is by.

    Parameters
    ----------
    model : Blueprint
        Of the latent answers behind the categories.
    x : (q,)
    item : (t,) int
        Item of each threshold.
    scaled : bool
        Latent answers have the model's variances (theta parameterization); False: variance 1 whatever the model says.
    """
    found = implied(model, x)
    p = len(found.mean)
    i, j = below(p)
    moved = _moved(model, found, p)
    own = moved["threshold"], moved["mean"], moved["cov"]
    thresholds = model.threshold.at(x)
    if not scaled:
        values = np.concatenate([thresholds - found.mean[item], found.cov[i, j]])
        return values, np.vstack([own[0] - own[1][item], own[2][_place(i, j)]]), found.columns
    with np.errstate(invalid="ignore"):  # no value where a step made a variance negative
        spread = np.sqrt(np.diag(found.cov))
    diagonal = own[2][_place(np.arange(p), np.arange(p))] / np.diag(found.cov)[:, None]
    cuts = (thresholds - found.mean[item]) / spread[item]
    rho = found.cov[i, j] / (spread[i] * spread[j])
    by_cuts = (own[0] - own[1][item]) / spread[item][:, None] - cuts[:, None] / 2 * diagonal[item]
    by_rho = own[2][_place(i, j)] / (spread[i] * spread[j])[:, None] - rho[:, None] / 2 * (diagonal[i] + diagonal[j])
    return np.concatenate([cuts, rho]), np.vstack([by_cuts, by_rho]), found.columns


def _place(i: Ints, j: Ints) -> Ints:
    return i * (i + 1) // 2 + j


def _moved(model: Blueprint, found: Implied, p: int) -> dict[str, Floats]:
    """Jacobians of thresholds, means and covariances."""
    index = model.threshold.index
    thresholds = np.zeros((len(index), len(found.columns)))
    free = np.flatnonzero(index >= 0)
    thresholds[free, np.searchsorted(found.columns, index[free])] = 1.0
    return {"threshold": thresholds, "mean": np.asarray(found.jacobian[:p]), "cov": np.asarray(found.jacobian[p:])}


def omega_categorical(loading: Floats, thresholds: Sequence[Floats], correlation: Floats) -> float:
    """Share of the variance of the sum of ordered answers that the common factor carries (Green & Yang 2009, Psychometrika 74).

    Parameters
    ----------
    loading : (p,)
        Standardised, of the latent answers.
    thresholds : p arrays
    correlation : (p, p)
        Of the latent answers: the model's, whose own elements are 1.
    """
    common = total = 0.0
    for i, cut_i in enumerate(thresholds):
        for j, cut_j in enumerate(thresholds):
            apart = float(np.outer(special.ndtr(cut_i), special.ndtr(cut_j)).sum())
            h, k = cut_i[:, None], cut_j[None, :]
            common += float(bivariate(h, k, float(loading[i] * loading[j])).sum()) - apart
            same = special.ndtr(np.minimum(h, k)) if i == j else bivariate(h, k, float(correlation[i, j]))
            total += float(same.sum()) - apart
    return common / total


def apart(own: Blueprint, other: Blueprint, x: Floats, item: Ints, i: int) -> tuple[float, float]:
    """Root mean square and mean difference of the answers that two groups are expected to give to item i, in categories, at the
    same standing on its factors; standing is distributed as in the first group."""
    both = np.stack([one.loading.at(x)[i] for one in (own, other)])
    centre = both @ own.mean.at(x) + [one.intercept.at(x)[i] for one in (own, other)]
    values, vectors = np.linalg.eigh(both @ own.factor.at(x) @ both.T)
    nodes, weights = np.polynomial.hermite_e.hermegauss(NODES)
    grid, share = np.array(np.meshgrid(nodes, nodes)).reshape(2, -1), np.outer(weights, weights).ravel()
    latent = centre[:, None] + vectors * np.sqrt(np.maximum(values, 0.0)) @ grid
    expected = [
        special.ndtr((level - one.threshold.at(x)[item == i][:, None]) / np.sqrt(one.unique.at(x)[i, i])).sum(axis=0)
        for level, one in zip(latent, (own, other), strict=True)
    ]
    off, share = expected[0] - expected[1], share / share.sum()
    return float(np.sqrt(share @ off**2)), float(share @ off)


def answer_variances(data: Ordered) -> Floats:
    """Variances of the answers, categories counted 0, 1, 2 ..., (p,)."""
    above = [special.ndtr(-data.thresholds[data.item == j]) for j in range(len(data.correlation))]
    squares = [(2 * np.arange(len(a)) + 1) @ a for a in above]
    return np.array([s - a.sum() ** 2 for s, a in zip(squares, above, strict=True)])


def minimise(models: Sequence[Blueprint], data: Sequence[Ordered], start: Floats, scaled: bool) -> Optimum:
    """Fit by diagonally weighted least squares: the sum over groups of (n_g - 1) / N times r' W r."""
    n = sum(d.n for d in data)

    def each(x: Floats) -> list[tuple[Ordered, Floats, Floats, Ints]]:
        return [(there, *said(model, x, there.item, scaled)) for model, there in zip(models, data, strict=True)]

    def value(x: Floats) -> float:
        return sum((d.n - 1) / n * float(d.weight @ (d.statistics - told) ** 2) for d, told, _, _ in each(x))

    def slopes(x: Floats, curved: bool) -> tuple[Floats, Any]:
        slope, half = np.zeros(len(x)), np.zeros((len(x), len(x)))
        for d, told, jacobian, columns in each(x):
            weighted = ((d.n - 1) / n * d.weight)[:, None] * jacobian
            slope[columns] -= 2 * weighted.T @ (d.statistics - told)
            half[np.ix_(columns, columns)] += weighted.T @ jacobian
        return slope, half

    return descend(value, slopes, start)


def score_tests(
    models: Sequence[Blueprint], data: Sequence[Ordered], x: Floats, scaled: bool, releases: Sequence[Release]
) -> Scores:
    """What least squares would gain by releases, as `structural.score_tests`; not scaled."""
    m, n = len(releases), sum(d.n for d in data)
    slope, own, cross = np.zeros(m), np.zeros((m, m)), np.zeros((m, len(x)))
    for g, (model, there) in enumerate(zip(models, data, strict=True)):
        at = np.array([k for k, release in enumerate(releases) if release.group == g], dtype=np.int64)
        if not len(at):
            continue
        alone, values = by_elements(model, x, [releases[k] for k in at])
        _, through, _ = said(alone, values, there.item, scaled)
        told, jacobian, columns = said(model, x, there.item, scaled)
        weighted = ((there.n - 1) * there.weight)[:, None] * through
        slope[at] = weighted.T @ (there.statistics - told)
        own[np.ix_(at, at)] = weighted.T @ through
        cross[np.ix_(at, columns)] = weighted.T @ jacobian
    whole = n * sandwich(models, data, x, scaled).bread
    return Scores(slope, left_over(own, cross, whole))


def difference(
    more: tuple[Sequence[Blueprint], Floats],
    less: tuple[Sequence[Blueprint], Floats],
    data: Sequence[Ordered],
    scaled: bool,
) -> tuple[float, float]:
    """Traces for the scaled and shifted difference of two nested fits (Satorra 2000; lavaan's method "delta").

    Parameters
    ----------
    more, less : (blueprints, parameters)
        The wider model and the narrower one.

    Returns
    -------
    first, second : float
        tr(U Gamma) and tr(U Gamma U Gamma) of the restrictions that lie between the two.
    """
    wide, narrow = (_stacked(models, data, x, scaled) for models, x in (more, less))
    along = np.linalg.lstsq(wide, narrow, rcond=None)[0]
    left, sizes, _ = np.linalg.svd(along, full_matrices=True)
    rank = int((sizes > 1e-8 * max(sizes.max(initial=0.0), TINY)).sum())
    restrictions = left[:, rank:].T
    sums = sandwich(more[0], data, more[1], scaled)
    inverse = invert(sums.bread)
    middle = (
        inverse
        @ restrictions.T
        @ np.linalg.pinv(restrictions @ inverse @ restrictions.T, hermitian=True)
        @ restrictions
        @ inverse
    )
    through = middle @ sums.filling
    return float(np.trace(through)), float((through * through.T).sum())


def _stacked(models: Sequence[Blueprint], data: Sequence[Ordered], x: Floats, scaled: bool) -> Floats:
    blocks = []
    for model, there in zip(models, data, strict=True):
        _, jacobian, columns = said(model, x, there.item, scaled)
        block = np.zeros((len(jacobian), len(x)))
        block[:, columns] = jacobian
        blocks.append(block)
    return np.vstack(blocks)


@dataclass(frozen=True, slots=True)
class Sandwich:
    """Sums over groups that a test of least squares needs; q parameters.

    Attributes
    ----------
    bread : (q, q)
        J' W J.
    filling : (q, q)
        J' W Gamma W J.
    one, two : float
        tr(W Gamma), tr(W Gamma W Gamma).
    three : (q, q)
        J' W Gamma W Gamma W J.
    """

    bread: Floats
    filling: Floats
    one: float
    two: float
    three: Floats

    def covariance(self, n: float) -> Floats:
        """Of the parameters (Browne 1984)."""
        inverse = invert(self.bread)
        return np.asarray(inverse @ self.filling @ inverse / n)

    def traces(self) -> tuple[float, float]:
        """tr(U Gamma) and tr(U Gamma U Gamma), U = W - W J (J' W J)^-1 J' W."""
        inverse = invert(self.bread)
        through = inverse @ self.filling
        first = self.one - float(np.trace(through))
        second = self.two - 2 * float((inverse * self.three).sum()) + float((through * through.T).sum())
        return first, second


def sandwich(models: Sequence[Blueprint], data: Sequence[Ordered], x: Floats, scaled: bool) -> Sandwich:
    """Collect the sums; groups weigh by their rows."""
    q, n = len(x), sum(d.n for d in data)
    bread, filling, three = np.zeros((q, q)), np.zeros((q, q)), np.zeros((q, q))
    one = two = 0.0
    for model, there in zip(models, data, strict=True):
        _, jacobian, columns = said(model, x, there.item, scaled)
        share, at = there.n / n, np.ix_(columns, columns)
        through = there.weight[:, None] * there.gamma  # W Gamma
        weighted = there.weight[:, None] * jacobian
        bread[at] += share * jacobian.T @ weighted
        filling[at] += share * weighted.T @ there.gamma @ weighted
        three[at] += share * weighted.T @ there.gamma @ through @ weighted
        one += float(np.trace(through))
        two += float((through * through.T).sum())
    return Sandwich(bread, filling, one, two, three)


def scaled_shifted(chisq: float, df: int, first: float, second: float) -> tuple[float, float, float]:
    """Scaled and shifted test (Asparouhov & Muthen 2010): statistic, factor, shift."""
    if df <= 0 or second <= 0:
        return chisq, 1.0, 0.0
    by = float(np.sqrt(df / second))
    shift = df - by * first
    return chisq * by + shift, 1 / by, shift
