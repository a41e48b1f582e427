"""How far do members of one unit answer alike?  Agreement within groups and intraclass correlation, on arrays.

Source: items as an (n, J) array without missing values, the group of each row, and weights. Symbols as in the papers:
James, Demaree & Wolf (1984, 1993), J. Applied Psychology 69 and 78 (r_wg, r_wg(J)); Lindell, Brandt & Whitney (1999),
Applied Psychological Measurement 23 (r*_wg(J)); Burke, Finkelstein & Dusig (1999), Organizational Research Methods 2 (AD);
Brown & Hauenstein (2005), same journal 8 (a_wg); Bliese (2000) (ICC(1), ICC(2)); Searle (1971), Linear Models (interval).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Spread:
    """Moments of J items in G groups."""

    size: Floats  #: (G,) rows
    mean: Floats  #: (G, J)
    variance: Floats  #: (G, J) with divisor n - 1 (weighted: n / (n - 1) times the weighted mean square); NaN for n = 1
    deviation: Floats  #: (G, J) mean absolute deviation from the mean


@dataclass(frozen=True, slots=True)
class Anova:
    """One-way analysis of variance of a score by group, and what follows from it."""

    icc1: float  #: with the mean group size
    icc2: float  #: reliability of a mean of the mean group size, (MSB - MSW) / MSB
    icc1_unequal: float  #: with (N - sum n^2 / N) / (G - 1) as group size
    icc1_interval: tuple[float, float]
    icc2_interval: tuple[float, float]
    between: float  #: mean square between
    within: float  #: mean square within


def spread(items: Floats, group: Ints, groups: int, weights: Floats) -> Spread:
    """Collect the moments of each item in each group."""
    size = np.bincount(group, minlength=groups).astype(float)
    total = np.bincount(group, weights, groups)[:, None]
    mean = _sums(items, group, groups, weights) / total
    off = items - mean[group]
    correction = np.where(size > 1, size / np.maximum(size - 1, 1), np.nan)[:, None]
    variance = _sums(off**2, group, groups, weights) / total * correction
    return Spread(size, mean, variance, _sums(np.abs(off), group, groups, weights) / total)


def rwg(variance: Floats, null: float) -> Floats:
    """r_wg = 1 - s^2 / sigma^2, not cut at zero."""
    return 1 - variance / null


def rwg_j(variance: Floats, null: float) -> Floats:
    """r_wg(J) = J (1 - m) / (J (1 - m) + m), m = mean s^2 / sigma^2; negative (not the formula's value) where m > 1."""
    j, m = variance.shape[1], variance.mean(axis=1) / null
    return np.where(m > 1, 1 - m, j * (1 - m) / (j * (1 - m) + m))


def rwg_j_lindell(variance: Floats, null: float) -> Floats:
    """r*_wg(J) = 1 - mean s^2 / sigma^2, not cut at zero."""
    return 1 - variance.mean(axis=1) / null


def a_wg(one: Spread, lowest: float, highest: float) -> Floats:
    """a_wg = 1 - 2 s^2 / ([(H + L) M - M^2 - H L] n / (n - 1)) of each item (G, J).

    NaN where the mean lies outside [(L (n - 1) + H) / n, (H (n - 1) + L) / n], where the index has no meaning.
    """
    n = np.maximum(one.size, 2)[:, None]
    inside = (one.mean >= (lowest * (n - 1) + highest) / n) & (one.mean <= (highest * (n - 1) + lowest) / n)
    largest = ((highest + lowest) * one.mean - one.mean**2 - highest * lowest) * n / (n - 1)
    return np.where(inside & (largest > 0), 1 - 2 * one.variance / np.where(largest > 0, largest, 1.0), np.nan)


def anova(score: Floats, group: Ints, groups: int, conf_level: float) -> Anova:
    """ICC(1) and ICC(2) by one-way analysis of variance, intervals from the F distribution.

    Raises
    ------
    ValueError
        With fewer than two groups, no group of two, or a score without variance.
    """
    n = np.bincount(group, minlength=groups).astype(float)
    total, g = n.sum(), float(groups)
    if g < 2 or total <= g:
        raise ValueError(f"{int(total)} scores in {int(g)} groups; needed are two groups and more scores than groups")
    centred = score - score.mean()
    mean = np.bincount(group, centred, groups) / n
    between = float((n * mean**2).sum() / (g - 1))
    within = float(((centred - mean[group]) ** 2).sum() / (total - g))
    if between + within <= 0:
        raise ValueError("the score is constant; there is no variance to divide")
    k = total / g
    unequal = (total - (n**2).sum() / total) / (g - 1)
    ratio = between / within if within > 0 else np.inf
    tail = (1 - conf_level) / 2
    low = ratio / stats.f.isf(tail, g - 1, total - g)
    high = ratio * stats.f.isf(tail, total - g, g - 1)
    return Anova(
        _icc1(ratio, k),
        1 - 1 / ratio if ratio > 0 else -np.inf,
        _icc1(ratio, unequal),
        (_icc1(low, k), _icc1(high, k)),
        (1 - 1 / low if low > 0 else -np.inf, 1 - 1 / high if high > 0 else -np.inf),
        between,
        within,
    )


def spearman_brown(icc: Floats, size: Floats | float) -> Floats:
    """Reliability of a mean of `size` members: k icc / (1 + (k - 1) icc)."""
    return size * icc / (1 + (size - 1) * icc)


def _sums(values: Floats, group: Ints, groups: int, weights: Floats) -> Floats:
    return np.column_stack([np.bincount(group, weights * column, groups) for column in values.T])


def _icc1(ratio: float, size: float) -> float:
    return 1.0 if np.isinf(ratio) else float((ratio - 1) / (ratio + size - 1))
