"""A factor model meets answers as numbers: maximum likelihood.

Source: an `Outline` and the rows of each group. ML and FIML use the likelihood of the normal distribution; robust fits keep
the estimates, take the errors from the sandwich and divide the test by its scaling factor (Yuan & Bentler 2000, Sociological
Methodology 30, in the form that MLR has in Mplus and lavaan).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analysis.core import fit_indices
from analysis.core import structural as core
from analysis.core.factor_data import GroupData, Moments, Patterns, moments_of, normal_information, patterns_of
from analysis.methods.factor_fit import Fitted, Rows
from analysis.methods.factor_model import FactorModel, Outline, near, outlined, start
from analysis.methods.mixed import NotFittable

Floats = NDArray[np.float64]
SINGULAR = 1e-9  # smallest eigenvalue of a correlation matrix that counts as definite


@dataclass(frozen=True, slots=True)
class MomentSample:
    """Moments of all groups.

    Attributes
    ----------
    items, groups : tuples of str
    data : tuple of GroupData
    means, covs : tuples
        Of the saturated model.
    robust, patterned : bool
        Sandwich errors; missing answers.
    value : float
        Of the saturated model: -2 log likelihood / N without its constant.
    trace : float
        Of the saturated model's sandwich against its information; 0 where it is not robust.
    baseline : Test
        Of the model without covariances.
    """

    items: tuple[str, ...]
    groups: tuple[str, ...]
    data: tuple[GroupData, ...]
    means: tuple[Floats, ...]
    covs: tuple[Floats, ...]
    robust: bool
    patterned: bool
    value: float
    trace: float
    baseline: fit_indices.Test

    @property
    def sizes(self) -> Floats:
        """Rows of each group."""
        return np.array([d.n for d in self.data])

    @property
    def n(self) -> float:
        """Rows of all groups."""
        return float(self.sizes.sum())

    @property
    def rows(self) -> float:
        """What RMSEA divides by."""
        return self.n

    @property
    def variances(self) -> tuple[Floats, ...]:
        """Of the items in each group, divisor n - 1."""
        return tuple(np.diag(c) * d.n / (d.n - 1) for c, d in zip(self.covs, self.data, strict=True))

    @property
    def statistics(self) -> int:
        """Means and covariances of all groups."""
        p = len(self.items)
        return len(self.data) * (p + p * (p + 1) // 2)

    @property
    def missing(self) -> float:
        """Weighted number of answers that are missing."""
        return sum(float(d.weights @ np.isnan(d.values).sum(axis=1)) for d in self.data if isinstance(d, Patterns))

    def fit(self, model: FactorModel, before: Fitted | None = None) -> Fitted:
        """Fit a model by maximum likelihood."""
        begin = start(model, self.means, self.covs) if before is None else near(model, before.model, before.x)
        return self._at(model, core.minimise(model.blueprints, self.data, begin))

    def _at(self, model: FactorModel, found: core.Optimum) -> Fitted:
        """Everything about a model at given parameters."""
        prints, df = model.blueprints, self.statistics - model.size
        raw = max(self.n * (found.minimum - self.value), 0.0)
        observed = self.robust or self.patterned
        information = (core.observed_information if observed else core.expected_information)(prints, self.data, found.x)
        inverse = core.inverse(information)
        factor = 1.0
        if self.robust:
            middle = core.meat(prints, self.data, found.x)
            factor = (self.trace - float((middle * inverse).sum())) / df if df > 0 else 1.0
            factor = factor if factor > 0 else np.nan  # too few clusters
            inverse = inverse @ middle @ inverse
        test = fit_indices.Test(raw, df, factor)
        told = (raw / factor, raw, factor, found.minimum, found.converged, found.rounds)
        return Fitted(self, model, found.x, inverse, test, *told)

    def information(self, fit: Fitted) -> Floats:
        """Expected information on the parameters."""
        return core.expected_information(fit.model.blueprints, self.data, fit.x)

    def scores(self, fit: Fitted, releases: Sequence[core.Release]) -> core.Scores:
        """Score tests of releases."""
        return core.score_tests(fit.model.blueprints, self.data, fit.x, releases)

    def difference(self, less: Fitted, more: Fitted) -> tuple[float, int]:
        """Likelihood ratio; scaled by Satorra & Bentler (2001), or (2010) where that is negative."""
        df = less.test.df - more.test.df
        if df <= 0:
            return np.nan, df
        raw = less.raw - more.raw
        if not self.robust:
            return max(raw, 0.0), df
        factor = (less.test.df * less.scaling - more.test.df * more.scaling) / df
        if factor <= 0:
            x = _moved(less, more)
            value = core.discrepancy(more.model.blueprints, self.data, x)
            at = self._at(more.model, core.Optimum(x, value, 0.0, 0, True))
            factor = (less.test.df * less.scaling - more.test.df * at.scaling) / df
        return (max(raw / factor, 0.0) if factor > 0 else np.nan), df

    def srmr(self, fit: Fitted, means: bool) -> float:
        """Root mean square of residual correlations, and of standardised residual means where these count."""
        told = [one.said(fit.x) for one in fit.model.blueprints]
        mu, sigma = [m for m, _ in told], [c for _, c in told]
        return fit_indices.srmr(self.covs, self.means, sigma, mu, self.sizes, means)


def sampled(items: Sequence[str], rows: Mapping[str, Rows], *, robust: bool) -> MomentSample:
    """Collect the moments of each group, the saturated model and the baseline.

    Raises
    ------
    NotFittable
        For a group with too few rows, a constant item, or items that determine one another.
    """
    patterned = any(np.isnan(one.values).any() for one in rows.values())
    for group, one in rows.items():
        _check_rows(items, group, one.values)
    if patterned:
        data: list[GroupData] = [patterns_of(one.values, one.weights, one.cluster) for one in rows.values()]
    else:
        data = [moments_of(one.values, one.weights, one.cluster, robust) for one in rows.values()]
    means, covs = zip(*(_saturated(one) for one in data), strict=True)
    for group, cov in zip(rows, covs, strict=True):
        _check_definite(items, group, cov)
    n = sum(d.n for d in data)
    value = sum(d.n / n * d.value(m, c) for d, m, c in zip(data, means, covs, strict=True))
    trace = sum(_trace(d, m, c) for d, m, c in zip(data, means, covs, strict=True)) if robust else 0.0
    bare = (tuple(items), tuple(rows), tuple(data), means, covs, robust, patterned, value, trace)
    nothing = fit_indices.Test(np.nan, 0)
    alone = outlined(Outline({}, tuple(rows), alone=tuple(items)))
    return MomentSample(*bare, MomentSample(*bare, nothing).fit(alone).test)


def _moved(less: Fitted, more: Fitted) -> Floats:
    """Parameters at which the wider model says what the narrower one does, where it fixes other scales and means of factors."""
    out = np.zeros(more.model.size)
    for narrow, wide in zip(less.model.blueprints, more.model.blueprints, strict=True):
        loading, factor, mean = (part.at(less.x) for part in (narrow.loading, narrow.factor, narrow.mean))
        held = np.diag(wide.factor.index) < 0
        size = np.sqrt(np.where(held, np.diag(factor) / np.where(held, np.diag(wide.factor.value), 1.0), 1.0))
        off = np.where(wide.mean.index < 0, mean - wide.mean.value, 0.0)
        for part, values in (
            (wide.loading, loading * size),
            (wide.factor, factor / np.outer(size, size)),
            (wide.mean, (mean - off) / size),
            (wide.intercept, narrow.intercept.at(less.x) + loading @ off),
            (wide.unique, narrow.unique.at(less.x)),
        ):
            there = part.index >= 0
            out[part.index[there]] = values[there]
    return out


def _check_rows(items: Sequence[str], group: str, values: Floats) -> None:
    where = f"group {group!r}: " if group != "*" else ""
    if len(values) <= len(items):
        raise NotFittable(
            f"{where}{len(values)} rows for {len(items)} items; a factor model needs more rows than items: "
            "put the group together with another, or leave it out"
        )
    spread = np.array([np.ptp(column[~np.isnan(column)]) if (~np.isnan(column)).any() else 0.0 for column in values.T])
    constant = [item for item, s in zip(items, spread, strict=True) if not s > 0]
    if constant:
        raise NotFittable(
            f"{where}everybody gave the same answer, or none, to {constant}: leave the item out, or the group"
        )


def _check_definite(items: Sequence[str], group: str, cov: Floats) -> None:
    scale = np.sqrt(np.diag(cov))
    values, vectors = np.linalg.eigh(cov / np.outer(scale, scale))
    if values[0] > SINGULAR:
        return
    bound = [item for item, v in zip(items, vectors[:, 0], strict=True) if abs(v) > 0.1]
    where = f"group {group!r}: " if group != "*" else ""
    raise NotFittable(
        f"{where}the answers to {bound} determine one another (a copy, or a sum of the others): leave one out"
    )


def _saturated(data: GroupData) -> tuple[Floats, Floats]:
    if isinstance(data, Moments):
        return data.mean, data.cov
    one, x = _free_moments(data)
    found = core.minimise([one], [data], x)
    if not found.converged:
        raise NotFittable("means and covariances cannot be estimated with so many answers missing: leave items out")
    return one.said(found.x)


def _free_moments(data: GroupData) -> tuple[core.Blueprint, Floats]:
    """The saturated model: every mean and covariance is a parameter."""
    values = data.values  # type: ignore[attr-defined]
    p = values.shape[1]
    a, b = np.tril_indices(p)
    place = np.zeros((p, p), dtype=np.int64)
    place[a, b] = place[b, a] = p + np.arange(len(a))
    nothing = core.Part(np.full((p, 0), -1), np.zeros((p, 0)))
    empty = core.Part(np.full((0, 0), -1), np.zeros((0, 0)))
    one = core.Blueprint(
        nothing,
        core.Part(np.arange(p), np.zeros(p)),
        core.Part(place, np.zeros((p, p))),
        empty,
        core.Part(np.full(0, -1), np.zeros(0)),
    )
    spread = np.diag(np.nanvar(values, axis=0))
    return one, np.concatenate([np.nanmean(values, axis=0), spread[a, b]])


def _trace(data: GroupData, mean: Floats, cov: Floats) -> float:
    if isinstance(data, Moments):
        information = data.n * normal_information(cov)
    else:
        one, _ = _free_moments(data)
        a, b = np.tril_indices(len(mean))
        information = core.observed_information([one], [data], np.concatenate([mean, cov[a, b]]))
    return float((data.meat(mean, cov) * np.linalg.inv(information)).sum())
