"""How far do members of one unit answer alike?  Agreement within groups and intraclass correlation, on arrays.

Source: items as an (n, J) array without missing values, the group of each row, and weights. Answers that are whole numbers
are counted once into a table group x item x option; every index comes from that table, at a cost that n does not enter.
Symbols as in the papers:
James, Demaree & Wolf (1984, 1993), J. Applied Psychology 69 and 78 (r_wg, r_wg(J)); Lindell, Brandt & Whitney (1999),
Applied Psychological Measurement 23 (r*_wg(J)); Burke, Finkelstein & Dusig (1999), Organizational Research Methods 2 (AD);
Brown & Hauenstein (2005), same journal 8 (a_wg); Bliese (2000) (ICC(1), ICC(2)); Searle, Casella & McCulloch (1992),
Variance Components, chapter 3 (analysis of variance); Wald (1940), Annals of Math. Statistics 11, 96-100 (exact interval
for unequal groups); Korn & Graubard (2003), J. Royal Statistical Society B 65 and Yi, Rao & Li (2016), Statistica Sinica 26
(weights of pairs); Fisher (1925), Statistical Methods for Research Workers, section 39 (z of an intraclass correlation);
Paule & Mandel (1982), J. Research NBS 87 and Viechtbauer (2007), Statistics in Medicine 26 (between variance, its interval).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, stats

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Interval = tuple[float, float]
TINY = 1e-9
BOUNDED = ("rwg_j", "rwg", "rwg_j_lindell")  # have a null variance, and are cut at zero


@dataclass(frozen=True, slots=True)
class Spread:
    """Moments of J items in G groups."""

    size: Floats  #: (G,) rows with a weight above zero
    effective: (
        Floats  #: (G,) Kish's W^2 / Q, W = sum of weights, Q = sum of their squares; the size where weights are alike
    )
    mean: Floats  #: (G, J)
    variance: Floats  #: (G, J) sum of w (x - mean)^2 / (W - Q / W), the n - 1 of weights; NaN for one row
    deviation: Floats  #: (G, J) mean absolute deviation from the mean


@dataclass(frozen=True, slots=True)
class Anova:
    """One-way analysis of variance of a score by group, and what follows from it."""

    icc1: float  #: with the mean group size
    icc2: float  #: reliability of a mean of the mean group size, (MSB - MSW) / MSB; NaN where MSB is zero
    icc1_unequal: float  #: with (N - sum n^2 / N) / (G - 1) as group size
    icc1_interval: Interval  #: exact for normal scores, whatever the group sizes
    icc2_interval: Interval
    between: float  #: mean square between
    within: float  #: mean square within


def counts(codes: NDArray[Any], options: int, group: Ints, groups: int, weights: Floats | None) -> Floats:
    """Count the answers, (G, J, A): the one pass over the rows. `codes`: (n, J) 0..A-1; `weights` None: all 1."""
    j = codes.shape[1]
    table = np.empty((j, groups * options))
    start = group * options
    place = np.empty_like(start)
    for k in range(j):  # an item at a time: its counters stay in the processor's cache
        table[k] = np.bincount(np.add(start, codes[:, k], out=place), weights, groups * options)
    return table.reshape(j, groups, options).transpose(1, 0, 2)


def spread_of_counts(table: Floats, values: Floats, size: Floats, squares: Floats) -> Spread:
    """Collect the moments out of a table of counts. `values`: (A,) of the options; `squares`: (G,) sum of w^2."""
    total = table.sum(axis=2)
    with np.errstate(invalid="ignore"):  # a replicate may take nobody of a group
        mean = table @ values / total
    off = values - mean[:, :, None]
    within, away = (np.einsum("gja,gja->gj", table, v) for v in (off * off, np.abs(off)))
    return _spread(size, squares, total, mean, within, away)


def spread(items: Floats, group: Ints, groups: int, weights: Floats) -> Spread:
    """Collect the moments of each item in each group, whatever its values."""
    size, total, squares = (np.bincount(group, w, groups).astype(float) for w in (weights > 0, weights, weights**2))
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = _sums(items, group, groups, weights) / total[:, None]
    off = items - mean[group]
    within, away = _sums(off**2, group, groups, weights), _sums(np.abs(off), group, groups, weights)
    return _spread(size, squares, np.repeat(total[:, None], items.shape[1], axis=1), mean, within, away)


def _spread(size: Floats, squares: Floats, total: Floats, mean: Floats, within: Floats, away: Floats) -> Spread:
    several = (size > 1)[:, None]
    with np.errstate(divide="ignore", invalid="ignore"):
        variance = np.where(several, within / (total - squares[:, None] / total), np.nan)
        return Spread(size, total[:, 0] ** 2 / squares, mean, variance, away / total)


def _sums(values: Floats, group: Ints, groups: int, weights: Floats) -> Floats:
    return np.column_stack([np.bincount(group, weights * column, groups) for column in values.T])


def dispersion(index: str, one: Spread, null: float, lowest: float, highest: float) -> Floats:
    """What an index falls with, 0 for perfect agreement: (G, J) for rwg, otherwise (G, 1); NaN for one row.

    Variance over the null's for the rwg indices, mean absolute deviation for ad_m, 1 - a_wg for a_wg.
    """
    if index == "ad_m":
        found = one.deviation.mean(axis=1)[:, None]
    elif index == "a_wg":
        found = _a_wg_dispersion(one, lowest, highest)[:, None]
    else:
        ratio = one.variance / null
        found = ratio if index == "rwg" else ratio.mean(axis=1)[:, None]
    return np.where((one.size > 1)[:, None], found, np.nan)


def _a_wg_dispersion(one: Spread, lowest: float, highest: float) -> Floats:
    """Mean over items of 2 s^2 / ([(H + L) M - M^2 - H L] n / (n - 1)), n the effective size.

    An item whose mean lies outside [(L (n - 1) + H) / n, (H (n - 1) + L) / n] says nothing and is left out, unless all
    chose one end, which is perfect agreement.
    """
    n = np.maximum(one.effective, 1 + 1e-12)[:, None]
    low, high = (lowest * (n - 1) + highest) / n, (highest * (n - 1) + lowest) / n
    inside = (one.mean >= low - 1e-12) & (one.mean <= high + 1e-12)
    largest = ((highest + lowest) * one.mean - one.mean**2 - highest * lowest) * n / (n - 1)
    usual = inside & (largest > 1e-12)
    with np.errstate(divide="ignore", invalid="ignore"):
        each = np.where(usual, 2 * one.variance / largest, np.where(one.deviation == 0, 0.0, np.nan))
    some = ~np.isnan(each)
    return np.where(some.any(axis=1), np.nansum(each, axis=1) / np.maximum(some.sum(axis=1), 1), np.nan)


def from_dispersion(index: str, x: Floats, items: int) -> Floats:
    """The index that belongs to a dispersion; below zero where the spread exceeds the null's (r_wg(J): 1 - m).

    r_wg = r*_wg(J) = 1 - m, r_wg(J) = J (1 - m) / (J (1 - m) + m), a_wg = 1 - x.
    """
    if index == "ad_m":
        return x
    if index != "rwg_j":
        return 1 - x
    return np.where(x > 1, 1 - x, items * (1 - x) / (items * (1 - x) + x))


def shown(index: str, raw: Floats) -> Floats:
    """The index as it is shown: the rwg indices are cut at zero."""
    return np.maximum(raw, 0.0) if index in BOUNDED else raw


def mean_over_groups(values: Floats) -> Floats:
    """Mean of the groups that have a value, over the first axis; NaN where none has."""
    there = (~np.isnan(values)).sum(axis=0)
    return np.nansum(values, axis=0) / np.where(there > 0, there, np.nan)


def anova(score: Floats, group: Ints, groups: int, conf_level: float) -> Anova:
    """ICC(1) and ICC(2) by one-way analysis of variance, with Wald's exact interval.

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
    off = centred - mean[group]
    within = float(off @ off / (total - g))
    if between + within <= 0:
        raise ValueError("the score is constant; there is no variance to divide")
    k = total / g
    unequal = (total - (n**2).sum() / total) / (g - 1)
    ratio = between / within if within > 0 else np.inf
    ends = _exact_interval(n, mean, within, conf_level)
    return Anova(
        _icc1(ratio, k),
        1 - 1 / ratio if ratio > 0 else np.nan,
        _icc1(ratio, unequal),
        (ends[0], ends[1]),
        (spearman_brown(ends[0], k), spearman_brown(ends[1], k)),
        between,
        within,
    )


def _exact_interval(n: Floats, mean: Floats, within: float, conf_level: float) -> Interval:
    r"""Solve H(theta) = F for theta = tau^2 / sigma^2, H = sum w (mean - weighted mean)^2 / ((G - 1) MSW), w = n / (1 + n theta).

    At the true theta H has exactly the F distribution with G - 1 and N - G degrees, and it falls with theta. No theta at or
    below -1 / max(n) is possible: an end that would lie there is put there.
    """
    if within <= 0:
        return 1.0, 1.0
    g, tail = len(n), (1 - conf_level) / 2
    least = -1 / n.max() * (1 - 1e-9)

    def excess(theta: float, quantile: float) -> float:
        w = n / (1 + n * theta)
        off = mean - (w * mean).sum() / w.sum()
        return float((w * off**2).sum() / (g - 1) / within - quantile)

    quantiles = stats.f.isf(np.array([tail, 1 - tail]), g - 1, n.sum() - g)
    low, high = (_falling_root(partial(excess, quantile=q), least) for q in quantiles)
    return low / (1 + low), high / (1 + high)


def _falling_root(function: Callable[[float], float], least: float) -> float:
    """Root of a falling function above `least`; `least` where it starts below zero."""
    if function(least) <= 0:
        return least
    high = 1.0
    while function(high) > 0 and high < 1e12:
        high *= 4
    return float(optimize.brentq(function, least, high, xtol=1e-14, rtol=1e-13))


def spearman_brown(icc: float, size: float) -> float:
    """Reliability of a mean of `size` members: k icc / (1 + (k - 1) icc); NaN at and below -1 / (k - 1)."""
    below = 1 + (size - 1) * icc
    return float(size * icc / below) if below > TINY else np.nan


def _icc1(ratio: float, size: float) -> float:
    return 1.0 if np.isinf(ratio) else float((ratio - 1) / (ratio + size - 1))


def pairs_icc(score: Floats, group: Ints, size: Floats, weights: Floats) -> float:
    r"""ICC(1) = 1 - (mean half squared difference of pairs in one group) / (that of pairs in two groups), weighted.

    A pair weighs w_i w_k, and 1 / n_j inside group j. Every sum is over products of weights, so each stands for its sum in
    the population however small the groups are. NaN without two groups, without a group of two, or without difference
    between groups. `size`: (G,) n_j, the rows of the full sample; times the number of times that replicate weights take the
    whole group, so that a group taken twice counts twice and not four times.
    """
    groups = len(size)
    y = score - np.average(score, weights=weights)
    total, squares, sums, power = (
        np.bincount(group, v, groups) for v in (weights, weights**2, weights * y, weights * y**2)
    )
    inside = total * power - sums**2
    share = 1 / size
    couples = (share * (total**2 - squares)).sum()
    across = total.sum() ** 2 - (total**2).sum()
    apart = total.sum() * power.sum() - sums.sum() ** 2 - inside.sum()
    if couples <= 1e-12 * (share * total**2).sum() or across <= 1e-12 * total.sum() ** 2 or apart <= 0:
        return np.nan
    return float(1 - (share * inside).sum() / couples / (apart / across))


def fisher_interval(icc: float, std_error: float, size: float, t: float) -> Interval:
    """Interval of an intraclass correlation, symmetric in Fisher's z = log((1 + (k - 1) icc) / (1 - icc)) / 2."""
    odds = (1 + (size - 1) * icc) / (1 - icc) if icc < 1 else 0.0
    if not odds > 0:
        return np.nan, np.nan
    reach = t * std_error * size / ((1 - icc) * (1 + (size - 1) * icc))  # 2 dz/dicc times the error
    low, high = odds * np.exp(-reach), odds * np.exp(reach)
    return float((low - 1) / (low + size - 1)), float((high - 1) / (high + size - 1))


def between_variance(mean: Floats, error: Floats, conf_level: float) -> tuple[float, float, float]:
    """tau^2 and its interval from unit means and their squared errors; all at least 0.

    Q(tau^2) = sum (mean - weighted mean)^2 / (tau^2 + error) falls with tau^2: it is G - 1 at the estimate (Paule &
    Mandel) and a chi-squared quantile at the ends (Q-profile, Viechtbauer).
    """
    df = len(mean) - 1
    scale = float(np.ptp(mean)) ** 2 or 1.0
    tail = (1 - conf_level) / 2

    def excess(tau2: float, wanted: float) -> float:
        w = 1 / np.maximum(tau2 * scale + error, np.finfo(float).tiny)
        return float((w * (mean - (w * mean).sum() / w.sum()) ** 2).sum() - wanted)

    wanted = (df, stats.chi2.isf(tail, df), stats.chi2.isf(1 - tail, df))
    found = [_falling_root(partial(excess, wanted=v), 1e-12) for v in wanted]
    estimate, low, high = (0.0 if f <= 1e-12 else f * scale for f in found)
    return estimate, low, high
