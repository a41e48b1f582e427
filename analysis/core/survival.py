"""Time until something happens, of people who are not all watched to the end. Arrays only, in the papers' symbols.

From (entry, time, cause) come the counts of each distinct time, sorted once; the product-limit estimate (Kaplan & Meier
1958) with Greenwood's sum, and the incidence of competing causes (Aalen & Johansen 1978) with its variance, are running
products and sums of them. All groups are done at once.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analysis.core.distinct import Cells, cells_of, running

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
KINDS = ("log-log", "log", "plain")
FLAT = 1.5e-8  # a curve within this of the level runs along it: the root of the smallest step of a double


@dataclass(frozen=True, slots=True)
class LifeTable:
    """Counts of every group and distinct time, sorted by group, then time; T rows."""

    group: Ints  #: (T,) code of the group
    time: Floats  #: (T,) of an event, of the end of a watch, or of an entry
    at_risk: Ints  #: (T,) n: watched just before the time, entry < time <= own time
    events: Ints  #: (T, K) d of each cause at the time
    censored: Ints  #: (T,) last seen at the time, without event
    starts: Ints  #: (groups + 1,) first row of each group, and T
    persons: Ints  #: (groups,) rows of each group

    @property
    def any_event(self) -> Ints:
        """Events of all causes, (T,)."""
        return np.asarray(self.events.sum(axis=1))

    def at(self, rows: NDArray[np.bool_]) -> LifeTable:
        """Only some rows; what they count stays."""
        starts = np.append(0, np.cumsum(rows))[self.starts]
        kept = (self.group[rows], self.time[rows], self.at_risk[rows], self.events[rows], self.censored[rows])
        return LifeTable(*kept, starts=starts, persons=self.persons)


@dataclass(frozen=True, slots=True)
class ProductLimit:
    """The share without event up to and with each time of a life table."""

    survival: Floats  #: (T,) S
    greenwood: Floats  #: (T,) sum of d / (n (n - d)): the variance of log S; infinite once S is 0


@dataclass(frozen=True, slots=True)
class Incidence:
    """The share that each cause has taken up to and with each time of a life table."""

    incidence: Floats  #: (T, K) I
    variance: Floats  #: (T, K)


def life_table(
    time: Floats,
    cause: Ints,
    *,
    causes: int = 1,
    group: Ints | None = None,
    groups: int = 1,
    entry: Floats | None = None,
    count: Ints | None = None,
) -> LifeTable:
    """Count who was watched and to whom it happened at each distinct time.

    Parameters
    ----------
    time : array (n,)
        Of the event, or up to which a person was watched.
    cause : array (n,) of int
        0: no event; 1..K: the cause of the event.
    causes : int
        K.
    group : array (n,) of int, optional
        0..groups - 1; None: all are one.
    groups : int
        How many there are.
    entry : array (n,), optional
        Before `time`: a person is at risk after it alone (left truncation). None: all from the beginning.
    count : array (n,) of int, optional
        How many persons each row stands for, at least 0; None: one.

    Notes
    -----
    Who is last seen at the time of another's event still counts as watched then; who enters at it does not yet. Sorts the
    times, then by group; nothing goes through persons or groups one by one.

    Examples
    --------
    >>> found = life_table(np.array([1.0, 2.0, 2.0, 3.0]), np.array([1, 0, 1, 1]))
    >>> found.at_risk.tolist(), found.events.ravel().tolist(), found.censored.tolist()
    ([4, 3, 1], [1, 1, 1], [0, 1, 0])
    """
    if entry is None:
        cells = cells_of(time, mark=cause, marks=causes + 1, group=group, groups=groups, times=count)
        return _risk_sets(cells, causes)
    mark = np.append(cause, np.full(len(entry), causes + 1))
    group = None if group is None else np.append(group, group)
    times = None if count is None else np.append(count, count)
    cells = cells_of(np.append(time, entry), mark=mark, marks=causes + 2, group=group, groups=groups, times=times)
    return _risk_sets(cells, causes)


def _risk_sets(cells: Cells, causes: int) -> LifeTable:
    """At risk at a time: all who came in before it, less all who went before it."""
    where, starts = cells.group, cells.starts
    exits, entries = cells.count[: causes + 1], cells.count[causes + 1 :]
    left = exits.sum(axis=0)
    persons = np.diff(_before(left)[starts])
    came = _within(_before(entries[0]), where, starts) if len(entries) else persons[where]
    at_risk = came - _within(_before(left), where, starts)
    return LifeTable(where, cells.value, at_risk, exits[1:].T, exits[0], starts, persons)


def _before(count: Ints) -> Ints:
    """Sum of all cells before each, and of all, (T + 1,)."""
    total = np.zeros(len(count) + 1, np.int64)
    np.cumsum(count, out=total[1:])
    return total


def _within(before: Ints, where: Ints, starts: Ints) -> Ints:
    """Sum of the cells of the own group before each, (T,)."""
    return before[:-1] - before[starts[:-1]][where] if len(starts) > 2 else before[:-1]


def product_limit(table: LifeTable) -> ProductLimit:
    r"""Give :math:`S(t) = \prod_{t_j \le t} (1 - d_j/n_j)` and Greenwood's :math:`\sum_{t_j \le t} d_j/(n_j (n_j - d_j))`.

    Kaplan & Meier (1958), equations 2b and 3c.

    Examples
    --------
    >>> table = life_table(np.array([1.0, 2.0, 2.0, 3.0]), np.array([1, 0, 1, 1]))
    >>> [a.round(4).tolist() for a in (product_limit(table).survival, product_limit(table).greenwood)]
    [[0.75, 0.5, 0.0], [0.0833, 0.25, inf]]
    """
    n, d = table.at_risk, table.any_event
    stays = np.divide(n - d, n, out=np.ones(len(n)), where=n > 0)
    return ProductLimit(running(stays, table.starts, np.multiply), running(_greenwood(n, d, last=np.inf), table.starts))


def _greenwood(n: Ints, d: Ints, last: float) -> Floats:
    """d / (n (n - d)), and `last` where all who are left go at once."""
    below = n * (n - d).astype(np.float64)
    return np.divide(d, below, out=np.where(d > 0, last, 0.0), where=below > 0)


def aalen_johansen(table: LifeTable) -> Incidence:
    r"""Give :math:`I_k(t) = \sum_{t_j \le t} S(t_{j-1}) d_{kj}/n_j` and its variance of Greenwood's type.

    .. math:: v_k(t) = \sum_{t_j \le t} \frac{D_j^2 d_j}{n_j (n_j - d_j)} + S_{j-1}^2 \frac{d_{kj} (n_j - d_{kj})}{n_j^3}
        - 2 D_j S_{j-1} \frac{d_{kj}}{n_j^2}, \qquad D_j = I_k(t) - I_k(t_j)

    what the delta method gives of multinomial draws at each time (Andersen, Borgan, Gill & Keiding 1993, equation 4.4.20 with
    binomial increments; Marubini & Valsecchi 1995, equation 10.12). Where all enter at the beginning it is what R's survfit
    gives for several states (the infinitesimal jackknife): people at risk at a time then all have the same past, so that
    the influences of different times are uncorrelated. With late entries the two differ a little.

    Examples
    --------
    >>> found = aalen_johansen(life_table(np.array([1.0, 2.0, 3.0, 4.0]), np.array([1, 2, 1, 0]), causes=2))
    >>> found.incidence[-1].tolist(), (found.variance[-1] * 16).round(12).tolist()  # no loss: shares of 4
    ([0.5, 0.25], [1.0, 0.75])
    """
    n, d = np.maximum(table.at_risk, 1), table.any_event
    survival = product_limit(table).survival
    before = np.append(1.0, survival[:-1])
    before[table.starts[:-1][np.diff(table.starts) > 0]] = 1.0
    # Where all who are left go at once nothing comes after: D is 0, and its factor may be anything.
    past = _greenwood(table.at_risk, d, last=0.0)
    whole = running(past, table.starts)
    found = [_incidence(table.starts, n, own, before, past, whole) for own in table.events.T]
    shape = (len(n), table.events.shape[1])
    columns = [np.array(part).T.reshape(shape) for part in zip(*found, strict=True)]
    return Incidence(columns[0], columns[1])


def _incidence(starts: Ints, n: Ints, own: Ints, before: Floats, past: Floats, whole: Floats) -> tuple[Floats, Floats]:
    """One cause. The square of D is multiplied out, so that all sums run once."""
    step = before * own / n
    incidence = running(step, starts)
    linear = running(past * incidence + step / n, starts)
    square = running(past * incidence**2 + before * step * (n - own) / n**2.0 + 2 * incidence * step / n, starts)
    return incidence, np.maximum(incidence**2 * whole - 2 * incidence * linear + square, 0.0)


def interval(share: Floats, variance: Floats, z: float, kind: str = "log-log") -> tuple[Floats, Floats]:
    r"""Give the ends of the interval of a share on one of three scales, from the variance of the share.

    plain: :math:`S \pm z \sigma`; log: :math:`S e^{\pm z \sigma / S}`; log-log:
    :math:`S^{\exp(\pm z \sigma / (S \log S))}` (Kalbfleisch & Prentice 2002, section 1.4). Ends stay within [0, 1].
    A share of 0, or one without variance (nothing has happened yet), has no interval.

    Examples
    --------
    >>> [end.round(4).tolist() for end in interval(np.array([0.5]), np.array([0.01]), 1.96)]
    [[0.2952], [0.6745]]
    """
    there = (share > 0) & (variance > 0) & np.isfinite(variance)
    there &= (share < 1) | (kind != "log-log")
    s, error = np.where(there, share, 0.5), np.sqrt(np.where(there, variance, 0.0))
    if kind == "plain":
        low, high = s - z * error, s + z * error
    elif kind == "log":
        low, high = s * np.exp(-z * error / s), s * np.exp(z * error / s)
    else:
        width = z * error / (s * np.log(s))
        low, high = s ** np.exp(-width), s ** np.exp(width)
    return np.where(there, np.clip(low, 0, 1), np.nan), np.where(there, np.clip(high, 0, 1), np.nan)


def reached(table: LifeTable, curve: Floats, level: float = 0.5) -> Floats:
    """Give the first time at which each group's falling curve is at the level or below it; NaN: never.

    A curve that runs along the level gives the middle of that stretch. Of the ends of pointwise intervals it gives those of
    Brookmeyer & Crowley's interval (1982): the times at which a test at that level would not refuse the quantile.

    Parameters
    ----------
    table : LifeTable
        Rows of events alone, as a curve moves nowhere else.
    curve : array (T,)
        NaN (no interval) counts as above the level.
    level : float
        Between 0 and 1.

    Examples
    --------
    >>> table = life_table(np.array([1.0, 2.0, 4.0, 5.0]), np.array([1, 1, 1, 1]))
    >>> reached(table, product_limit(table).survival).tolist(), reached(table, product_limit(table).survival, 0.4).tolist()
    ([3.0], [4.0])
    """
    filled = np.where(np.isnan(curve), np.inf, curve)
    first = _first(table, filled <= level + FLAT)
    after = _first(table, filled < level - FLAT)
    time = np.append(table.time, np.nan)
    flat = (first < after) & (after < len(filled))
    return np.where(flat, (time[first] + time[after]) / 2, time[first])


def look_up(table: LifeTable, times: Floats) -> tuple[Ints, Ints]:
    """Give for each group and time the last row at or before it (-1: none), and how many are at risk at it.

    Parameters
    ----------
    table : LifeTable
        With all its rows, not those of events alone.
    times : array (A,)

    Returns
    -------
    row (groups, A), at_risk (groups, A)

    Examples
    --------
    >>> table = life_table(np.array([1.0, 2.0, 4.0]), np.array([1, 0, 1]))
    >>> [a.tolist() for a in look_up(table, np.array([0.5, 2.0, 3.0, 5.0]))]
    [[[-1, 1, 1, 2]], [[3, 2, 1, 0]]]
    """
    bounds = list(zip(table.starts[:-1], table.starts[1:], strict=True))
    shape = (len(bounds), len(times))
    row = np.array([a + np.searchsorted(table.time[a:b], times, "right") - 1 for a, b in bounds]).reshape(shape)
    onward = np.array([a + np.searchsorted(table.time[a:b], times, "left") for a, b in bounds]).reshape(shape)
    starts, ends = table.starts[:-1, None], table.starts[1:, None]
    at_risk = np.append(table.at_risk, 0)[np.where(onward < ends, onward, len(table.time))]
    return np.where(row < starts, -1, row), at_risk


def _first(table: LifeTable, yes: NDArray[np.bool_]) -> Ints:
    """Give the first row of each group that says yes; T: none does."""
    found = np.full(len(table.persons), len(yes))
    rows = np.flatnonzero(yes)
    groups, first = np.unique(table.group[rows], return_index=True)
    found[groups] = rows[first]
    return found
