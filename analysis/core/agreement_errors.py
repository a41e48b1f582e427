"""How sure is an agreement?  The answers of a scale under any weights, and errors by replicate weights.

Source: the codes or values of J items, the group of each row, R sets of replicate weights. The error of an index is the spread of
its values under the replicates; its interval is by t on the log of what the index falls with, which keeps it in range.
See `analysis.core.replicated`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from analysis.core import agreement as core
from analysis.core import replicated
from analysis.core.agreement import Floats, Ints

BLIND = 0.05  # share of the replicates that touch a group and leave no two of its people, from which it has no error


@dataclass(frozen=True, slots=True)
class Answers:
    """The rows that count: J items of n people in G groups."""

    answers: (
        NDArray[np.integer] | Floats
    )  #: (n, J) options 0..A-1; or, where some value is no whole number, values as float
    group: Ints  #: (n,)
    groups: int
    weights: Floats | None  #: (n,) None: all 1
    replicates: replicated.Replicated | None  #: of these rows
    lowest: float
    options: int

    @property
    def counted(self) -> bool:
        """True where the answers are options that can be counted."""
        return self.answers.dtype.kind == "i"

    def spread(self, weights: Floats | None) -> core.Spread:
        """Moments by group under some weights."""
        g = self.groups
        if not self.counted:
            return core.spread(
                self.answers.astype(float), self.group, g, np.ones(len(self.group)) if weights is None else weights
            )
        size = np.bincount(self.group, None if weights is None else weights > 0, g).astype(float)
        squares = size if weights is None else np.bincount(self.group, weights**2, g).astype(float)
        table = core.counts(self.answers, self.options, self.group, g, weights)
        return core.spread_of_counts(table, self.lowest + np.arange(self.options, dtype=float), size, squares)

    def sums(self, weights: Floats) -> Floats:
        """Weight of each group, (G,)."""
        return np.bincount(self.group, weights, self.groups).astype(float)

    def dispersion(self, index: str, null: float, one: core.Spread) -> Floats:
        """What the index falls with, (G, T)."""
        return core.dispersion(index, one, null, self.lowest, self.lowest + self.options - 1)

    def correlations(self, one: core.Spread) -> Floats:
        """Correlations of the items within groups, (J, J).

        Raises
        ------
        ValueError
            For an item that does not vary inside any group.
        """
        off = self.answers + (self.lowest if self.counted else 0.0) - one.mean[self.group]
        products = off.T @ off
        own = np.sqrt(np.diag(products))
        if not (own > 0).all():
            raise ValueError("an item does not vary inside any group; its correlations cannot be observed")
        return products / np.outer(own, own)


@dataclass(frozen=True, slots=True)
class Errors:
    """Errors of an index by group and of its mean over groups."""

    std_error: Floats  #: (G, T)
    conf_low: Floats  #: (G, T)
    conf_high: Floats  #: (G, T)
    every: Floats  #: (T,) error of the mean over groups
    reach: Floats  #: (T,) half the interval of that mean


def errors(answers: Answers, index: str, null: float, x: Floats, level: float) -> Errors | None:
    """Errors by the replicates; None without any. `x`: (G, T) dispersion under the full weights."""
    given, full = answers.replicates, answers.weights
    if given is None or full is None:
        return None
    spreads, weight = _replicated(answers, given, index, null, x.shape)
    items = answers.answers.shape[1]
    values, shown = (core.shown(index, core.from_dispersion(index, v, items)) for v in (spreads, x))
    clusters = clusters_in(given, full, answers.group, answers.groups)
    seen = _seen(spreads, x) & (clusters > 1)[:, None] & (x > 0)
    t = stats.t.ppf((1 + level) / 2, np.clip(clusters - 1, 1, given.df))[:, None]
    usable = np.where(seen, x, np.nan)
    far = np.exp(t * deviate(given, spreads, x) / usable)
    near, away = (core.shown(index, core.from_dispersion(index, v, items)) for v in (usable / far, usable * far))
    times = times_taken(weight, answers.sums(full), clusters)
    every = deviate(given, _mean_under_replicates(values, shown, times), core.mean_over_groups(shown))
    reach = every * float(stats.t.ppf((1 + level) / 2, given.df))
    own = np.where(seen, deviate(given, values, shown), np.nan)
    return Errors(own, np.minimum(near, away), np.maximum(near, away), every, reach)


def deviate(given: replicated.Replicated, values: Floats, full: Floats) -> Floats:
    """Standard error of replicated values (R, ...); a value that a replicate does not have deviates by nothing."""
    centre, counted = full, values[given.coefficients > 0]
    if given.around_mean:
        there = (~np.isnan(counted)).sum(axis=0)
        centre = np.nansum(counted, axis=0) / np.where(there > 0, there, np.nan)
    return np.sqrt(np.tensordot(given.coefficients, np.nan_to_num(values - centre) ** 2, axes=1))


def _replicated(
    answers: Answers, given: replicated.Replicated, index: str, null: float, shape: tuple[int, ...]
) -> tuple[Floats, Floats]:
    """Dispersions (R, G, T) and weights of groups (R, G) under each replicate."""
    spreads = np.empty((given.weights.shape[1], *shape))
    weight = np.empty((given.weights.shape[1], answers.groups))
    for r, w in enumerate(np.ascontiguousarray(given.weights.T)):
        spreads[r] = answers.dispersion(index, null, answers.spread(w))
        weight[r] = answers.sums(w)
    return spreads, weight


def clusters_in(given: replicated.Replicated, full: Floats, group: Ints, groups: int) -> Floats:
    """How many clusters, each drawn as a whole, the group has, (G,)."""
    pairs = np.unique(np.column_stack([group, replicated.clusters_of(given, full)]), axis=0)
    return np.bincount(pairs[:, 0], minlength=groups).astype(float)


def times_taken(weight: Floats, full: Floats, clusters: Floats) -> Floats:
    """How often each group is taken under a replicate, (..., G), where its people are drawn together; otherwise 1.

    `weight`: (..., G) of groups under replicates; `full`: (G,) under the full weights. People drawn apart move their group's
    weight too, but it stays one group.
    """
    return np.where(clusters == 1, weight / full, 1.0)


def _seen(spreads: Floats, x: Floats) -> NDArray[np.bool_]:
    """True where the replicates that touch a group leave two people in it, with few exceptions: (G, T)."""
    gone = np.isnan(spreads)
    touched = gone | (np.abs(spreads - x) > 1e-12 * np.maximum(x, 1e-12))
    seen: NDArray[np.bool_] = gone.sum(axis=0) <= BLIND * touched.sum(axis=0)
    return seen


def _mean_under_replicates(values: Floats, shown: Floats, times: Floats) -> Floats:
    """Mean over groups under each replicate (R, T), a group as often as it was taken."""
    there = ~np.isnan(values) & ~np.isnan(shown)
    share = np.where(there, times[:, :, None], 0.0)
    total = share.sum(axis=1)
    return (share * np.where(there, values, 0.0)).sum(axis=1) / np.where(total > 0, total, np.nan)
