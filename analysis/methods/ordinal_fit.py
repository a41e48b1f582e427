"""A factor model of ordered answers meets its data: WLSMV.

Source: an `Outline` with thresholds, and the rows of each group, answers as numbers that stand for categories in their order.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analysis.core import fit_indices, structural
from analysis.core import ordinal as core
from analysis.methods.factor_fit import Fitted, Rows
from analysis.methods.factor_model import FactorModel, near, start_ordered
from analysis.methods.mixed import NotFittable

Floats = NDArray[np.float64]
MOST = 20  # categories


@dataclass(frozen=True, slots=True)
class OrderedSample:
    """Ordered answers of all groups.

    Attributes
    ----------
    items, groups : tuples of str
    data : tuple of Ordered
    thresholds : dict
        Item to its number of thresholds.
    baseline : Test
        Of the model without correlations.
    """

    items: tuple[str, ...]
    groups: tuple[str, ...]
    data: tuple[core.Ordered, ...]
    thresholds: dict[str, int]
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
        """What RMSEA divides by: rows less one in each group."""
        return self.n - len(self.groups)

    @property
    def variances(self) -> tuple[Floats, ...]:
        """Of the answers, categories counted one by one."""
        return tuple(core.answer_variances(d) for d in self.data)

    @property
    def statistics(self) -> int:
        """Thresholds and correlations of all groups."""
        return sum(len(d.gamma) for d in self.data)

    def fit(self, model: FactorModel, before: Fitted | None = None) -> Fitted:
        """Fit by diagonally weighted least squares; errors and test from the whole covariance of the statistics."""
        scaled, df = model.outline.scaled, self.statistics - model.size
        if before is None:
            begin = start_ordered(model, [d.correlation for d in self.data], [d.thresholds for d in self.data])
        else:
            begin = near(model, before.model, before.x)
        found = core.minimise(model.blueprints, self.data, begin, scaled)
        sums = core.sandwich(model.blueprints, self.data, found.x, scaled)
        raw = self.n * found.minimum
        chisq, factor, _ = core.scaled_shifted(raw, df, *sums.traces())
        told = (chisq, raw, factor, found.minimum, found.converged, found.rounds)
        return Fitted(self, model, found.x, sums.covariance(self.rows), fit_indices.Test(chisq, df), *told)

    def information(self, fit: Fitted) -> Floats:
        """J' W J."""
        return core.sandwich(fit.model.blueprints, self.data, fit.x, fit.model.outline.scaled).bread

    def scores(self, fit: Fitted, releases: Sequence[structural.Release]) -> structural.Scores:
        """Score tests of releases, not scaled."""
        return core.score_tests(fit.model.blueprints, self.data, fit.x, fit.model.outline.scaled, releases)

    def difference(self, less: Fitted, more: Fitted) -> tuple[float, int]:
        """Scaled and shifted difference test (Satorra 2000)."""
        df = less.test.df - more.test.df
        if df <= 0:
            return np.nan, df
        sides = ((more.model.blueprints, more.x), (less.model.blueprints, less.x))
        traces = core.difference(*sides, self.data, less.model.outline.scaled)
        return max(core.scaled_shifted(max(less.raw - more.raw, 0.0), df, *traces)[0], 0.0), df

    def srmr(self, fit: Fitted, means: bool) -> float:
        """Root mean square of residual correlations, those of items with themselves (0) among them; thresholds never count."""
        each = []
        for model, there in zip(fit.model.blueprints, self.data, strict=True):
            told, _, _ = core.said(model, fit.x, there.item, fit.model.outline.scaled)
            rest = (there.statistics - told)[len(there.thresholds) :]
            each.append(float(np.sqrt((rest**2).sum() / (len(rest) + len(self.items)))))
        return float(np.average(each, weights=self.sizes))


def sampled_ordered(items: Sequence[str], rows: Mapping[str, Rows]) -> OrderedSample:
    """Collect thresholds, polychoric correlations and their covariance.

    Raises
    ------
    NotFittable
        For missing answers, items with one category or more than 20, categories that a group does not have, and items whose
        correlation runs to one.
    """
    for j, item in enumerate(items):
        if any(np.isnan(one.values[:, j]).any() for one in rows.values()):
            raise NotFittable(
                f"{item!r} has missing answers; ordered categories take complete rows: missing='listwise'"
            )
    kinds = [np.unique(np.concatenate([one.values[:, j] for one in rows.values()])) for j in range(len(items))]
    for item, kind in zip(items, kinds, strict=True):
        if not 2 <= len(kind) <= MOST:
            raise NotFittable(f"{item!r} has {len(kind)} different answers; ordered categories are 2 to {MOST}")
    for group, one in rows.items():
        _check_categories(items, group, one.values, kinds)
    sizes = [len(kind) for kind in kinds]
    data = []
    for group, one in rows.items():
        codes = np.column_stack([np.searchsorted(kind, one.values[:, j]) for j, kind in enumerate(kinds)])
        data.append(core.ordered_of(codes, sizes, one.weights, one.cluster))
        _check_extremes(items, group, data[-1])
    thresholds = {item: size - 1 for item, size in zip(items, sizes, strict=True)}
    return OrderedSample(tuple(items), tuple(rows), tuple(data), thresholds, _baseline(data))


def _check_categories(items: Sequence[str], group: str, values: Floats, kinds: Sequence[Floats]) -> None:
    where = f"in group {group!r} " if group != "*" else ""
    for j, (item, kind) in enumerate(zip(items, kinds, strict=True)):
        absent = np.setdiff1d(kind, values[:, j])
        if len(absent):
            raise NotFittable(
                f"{where}nobody gave the answer {absent[0]:g} to {item!r}: merge it with the answer beside it in every group, "
                "or leave the group out, or treat answers as numbers"
            )


def _check_extremes(items: Sequence[str], group: str, data: core.Ordered) -> None:
    if data.extreme:
        i, j = data.extreme[0]
        where = f"in group {group!r} " if group != "*" else ""
        raise NotFittable(
            f"{where}{items[j]!r} and {items[i]!r} have a correlation of one, or none that could be told: one is a copy of the "
            "other, or their table has empty corners; leave one out, or merge categories"
        )


def _baseline(data: Sequence[core.Ordered]) -> fit_indices.Test:
    """No correlations, thresholds free."""
    chisq, df, first, second = 0.0, 0, 0.0, 0.0
    for one in data:
        t = len(one.thresholds)
        chisq += (one.n - 1) * float(one.weight[t:] @ one.statistics[t:] ** 2)
        df += len(one.gamma) - t
        through = one.weight[t:, None] * one.gamma[t:, t:]
        first, second = first + float(np.trace(through)), second + float((through * through.T).sum())
    return fit_indices.Test(core.scaled_shifted(chisq, df, first, second)[0], df)
