"""How much of a whole comes from how few: the Lorenz curve of counts, its Gini index, shares of the top, and their errors.

Arrays only. Everything comes from a table of distinct counts and how many have each (`analysis.core.distinct`): no cost
grows with persons. Errors are those of influence functions: what a small share more of people with a count x would
change (Deville 1999), whose square is averaged over the table.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from analysis.core.distinct import Cells, running

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Lorenz:
    """The Lorenz curve of every group, at the upper end of each distinct count, T rows sorted by group, then count."""

    cells: Cells  #: the distinct counts
    often: Floats  #: (T,) people with the count
    people: Floats  #: (T,) share of the group's people with that count or fewer, p
    whole: Floats  #: (T,) what they have of all counts, L(p)
    n: Floats  #: (groups,) people
    mean: Floats  #: (groups,) mean count

    def spread(self, influence: Floats) -> Floats:
        """Standard error of an estimate from its influence, (groups,): the mean of squares over n - 1."""
        square = np.bincount(self.cells.group, self.often * influence**2, len(self.n))
        below = self.n * (self.n - 1)
        return np.sqrt(np.divide(square, below, out=np.full(len(below), np.nan), where=below > 0))


def lorenz(cells: Cells) -> Lorenz:
    """Lay out the Lorenz curve of a table of counts of at least 0.

    Examples
    --------
    >>> from analysis.core.distinct import cells_of
    >>> found = lorenz(cells_of(np.array([1.0, 1.0, 2.0, 4.0])))
    >>> found.people.tolist(), found.whole.tolist()
    ([0.5, 0.75, 1.0], [0.25, 0.5, 1.0])
    """
    often = cells.count[0].astype(np.float64)
    groups = len(cells.starts) - 1
    n = np.bincount(cells.group, often, groups).astype(np.float64)
    total = np.bincount(cells.group, often * cells.value, groups)
    with np.errstate(invalid="ignore"):  # a group whose counts are all 0 has no curve
        people = running(often, cells.starts) / n[cells.group]
        whole = running(often * cells.value, cells.starts) / total[cells.group]
        return Lorenz(cells, often, people, whole, n, total / n)


def gini(curve: Lorenz) -> tuple[Floats, Floats]:
    r"""Give the Gini index and its standard error, (groups,) each.

    :math:`G = E|X - Y| / (2 \mu)` of two people drawn with replacement, its influence :math:`IF(x) = g(x)/\mu - G (1 + x/\mu)`
    with :math:`g(x) = E|x - Y|`: the plug-in index and the error of Davidson (2009, J. Econometrics 150, equations 5 and
    21). No correction for few people: G is at most 1 - 1/n.

    Examples
    --------
    >>> from analysis.core.distinct import cells_of
    >>> gini(lorenz(cells_of(np.array([1.0, 1.0, 2.0, 4.0]))))[0].tolist()  # 10 / (2 * 16 * 1) pairs apart by 1, 1, 3, 3, 2
    [0.3125]
    """
    where, x = curve.cells.group, curve.cells.value
    mean = curve.mean[where]
    with np.errstate(invalid="ignore", divide="ignore"):
        apart = x * (2 * curve.people - 1) / mean + 1 - 2 * curve.whole  # g(x) / mu
        found = np.bincount(where, curve.often * apart, len(curve.n)) / curve.n / 2
        return found, curve.spread(apart - found[where] * (1 + x / mean))


def top_share(curve: Lorenz, top: float) -> tuple[Floats, Floats]:
    r"""Give what the most active share of people have of the whole, :math:`1 - L(1 - top)`, and its standard error.

    Between people the Lorenz curve is straight: of people of whom a fraction belongs to the top, that fraction of what they
    have counts. With p = 1 - top and :math:`\xi` its quantile the influence is
    :math:`-\bigl(p \xi + \min(x - \xi, 0) - L x\bigr) / \mu` (Langel & Tille 2011; Graf & Tille 2014; of quantile shares).

    Examples
    --------
    >>> from analysis.core.distinct import cells_of
    >>> top_share(lorenz(cells_of(np.array([1.0, 1.0, 2.0, 4.0]))), 0.25)[0].tolist()
    [0.5]
    """
    level = np.full(len(curve.n), 1 - top)
    row, share = _along(curve, curve.people, curve.whole, level)
    return 1 - share, curve.spread(_influence(curve, row, level, share))


def fewest(curve: Lorenz, part: float = 0.5) -> tuple[Floats, Floats]:
    r"""Give the smallest share of people who have that part of the whole, :math:`1 - L^{-1}(1 - part)`, and its error.

    The influence is that of :math:`L(p)` over its slope :math:`\xi/\mu`, as :math:`L(p) = 1 - part` is held.

    Examples
    --------
    >>> from analysis.core.distinct import cells_of
    >>> fewest(lorenz(cells_of(np.array([1.0, 1.0, 2.0, 4.0]))))[0].tolist()
    [0.25]
    """
    share = np.full(len(curve.n), 1 - part)
    row, level = _along(curve, curve.whole, curve.people, share)
    slope = curve.cells.value[row] / curve.mean
    with np.errstate(invalid="ignore", divide="ignore"):
        return 1 - level, curve.spread(_influence(curve, row, level, share) / slope[curve.cells.group])


def _along(curve: Lorenz, x: Floats, y: Floats, level: Floats) -> tuple[NDArray[np.int64], Floats]:
    """Where a rising line x reaches the level: the row at the end of that stretch, and y there, straight in between."""
    starts, ends = curve.cells.starts[:-1], curve.cells.starts[1:] - 1
    below = np.bincount(curve.cells.group, x < level[curve.cells.group] - 1e-12, len(level)).astype(np.int64)
    row = np.maximum(np.minimum(starts + below, ends), 0)
    first = row == starts
    x0, y0 = np.where(first, 0.0, x[row - 1]), np.where(first, 0.0, y[row - 1])
    with np.errstate(invalid="ignore", divide="ignore"):
        found = y0 + (level - x0) / (x[row] - x0) * (y[row] - y0)
    return row, np.where(ends >= starts, found, np.nan)


def _influence(curve: Lorenz, row: NDArray[np.int64], level: Floats, share: Floats) -> Floats:
    """Influence of minus L at a level, (T,); `row`: where the level's quantile stands."""
    where, x = curve.cells.group, curve.cells.value
    quantile = x[row]
    with np.errstate(invalid="ignore", divide="ignore"):
        low = level[where] * quantile[where] + np.minimum(x - quantile[where], 0.0)
        return np.asarray((share[where] * x - low) / curve.mean[where])


def logit_interval(share: Floats, error: Floats, df: Floats, conf_level: float) -> tuple[Floats, Floats]:
    """Give the ends of an interval that is symmetric on the scale of the log odds, with Student's t; NaN without an error.

    Examples
    --------
    >>> [end.round(4).tolist() for end in logit_interval(np.array([0.5]), np.array([0.1]), np.array([30.0]), 0.95)]
    [[0.3064], [0.6936]]
    """
    there = (share > 0) & (share < 1) & (error > 0) & (df > 0)
    p, s = np.where(there, share, 0.5), np.where(there, error, 1.0)
    t = special.stdtrit(np.where(there, df, 1.0), (1 + conf_level) / 2)
    middle, half = special.logit(p), t * s / (p * (1 - p))
    return np.where(there, special.expit(middle - half), np.nan), np.where(there, special.expit(middle + half), np.nan)
