"""A factor model meets its data: the fit, its test, its baseline, the covariance of its parameters.

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
from analysis.core.factor_data import GroupData, Moments, moments_of, normal_information, patterns_of
from analysis.methods.factor_model import FactorModel, Outline, outlined, start
from analysis.methods.mixed import NotFittable

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
SINGULAR = 1e-9  # smallest eigenvalue of a correlation matrix that counts as definite


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of one group.

    Attributes
    ----------
    values : (n, p) float
        NaN where missing.
    weights : (n,) float, optional
    cluster : (n,) int, optional
    """

    values: Floats
    weights: Floats | None = None
    cluster: Ints | None = None


@dataclass(frozen=True, slots=True)
class Sampled:
    """Data of all groups with what every model of them is compared with.

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
    def n(self) -> float:
        """Rows of all groups."""
        return sum(d.n for d in self.data)


@dataclass(frozen=True, slots=True)
class Fitted:
    """A fitted model.

    Attributes
    ----------
    sample : Sampled
    model : FactorModel
    x : (q,)
    covariance : (q, q)
        Of the parameters.
    test : Test
        Chi-square (not scaled), degrees of freedom, scaling factor (1 unless robust).
    minimum : float
        -2 log likelihood / N without its constant.
    converged : bool
    rounds : int
    """

    sample: Sampled
    model: FactorModel
    x: Floats
    covariance: Floats
    test: fit_indices.Test
    minimum: float
    converged: bool
    rounds: int

    def said(self) -> list[tuple[Floats, Floats]]:
        """Mean and covariance of each group."""
        return [one.said(self.x) for one in self.model.blueprints]


def sampled(items: Sequence[str], rows: Mapping[str, Rows], *, robust: bool) -> Sampled:
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
    return Sampled(*bare, fitted(Sampled(*bare, nothing), alone).test)


def fitted(sample: Sampled, model: FactorModel, x: Floats | None = None) -> Fitted:
    """Fit a model, or take it at given parameters `x` (for scaled difference tests)."""
    prints, data, n = model.blueprints, sample.data, sample.n
    if x is None:
        found = core.minimise(prints, data, start(model, sample.means, sample.covs))
    else:
        found = core.Optimum(x, core.discrepancy(prints, data, x), 0.0, 0, True)
    p = len(sample.items)
    df = len(data) * (p + p * (p + 1) // 2) - model.size
    chisq = max(n * (found.minimum - sample.value), 0.0)
    observed = sample.robust or sample.patterned
    information = (core.observed_information if observed else core.expected_information)(prints, data, found.x)
    inverse: Floats = np.asarray(np.linalg.pinv(information, hermitian=True))
    factor = 1.0
    if sample.robust:
        middle = core.meat(prints, data, found.x)
        factor = (sample.trace - float((middle * inverse).sum())) / df if df > 0 else 1.0
        inverse = inverse @ middle @ inverse
    return Fitted(
        sample,
        model,
        found.x,
        inverse,
        fit_indices.Test(chisq, df, factor),
        found.minimum,
        found.converged,
        found.rounds,
    )


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
