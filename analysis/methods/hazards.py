"""In which period do they join, return or leave, and by which way?  Hazards of discrete time with competing causes.

Source: a frame with a row a person (or career): the period in which they were last watched, and how it ended. See
`analysis.core.survival`; for durations without periods `analysis.kaplan_meier`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.core import survival as core
from analysis.methods.counts import wilson
from analysis.methods.design import label, levels, names, numeric
from analysis.methods.estimates import domains
from analysis.methods.survival import durations, entries, in_time, refuse_columns, table_of
from analysis.tidy import tidy_frame

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, repr=False)
class Hazards:
    """Hazards and cumulative incidence by unit, period and cause."""

    event: str  #: column of the causes
    causes: tuple[str, ...]  #: causes, as in the terms
    rows: pd.DataFrame  #: tidy table
    life_table: pd.DataFrame  #: key columns, period, at_risk, censored, and events of each cause: the counts behind all

    def tidy(self) -> pd.DataFrame:
        """Return the rows, columns as ``analysis.tidy.COLUMNS``."""
        return self.rows.copy()

    def __repr__(self) -> str:
        status = self.rows["status"].value_counts().to_dict()
        return f"Hazards({self.event}: {', '.join(self.causes)}; status {status})"


@dataclass(frozen=True, slots=True)
class _Grid:
    """Counts and curves of every unit and period; shape (units x periods,) or (units x periods, causes)."""

    unit: Ints
    period: Floats
    at_risk: Ints
    censored: Ints
    events: Ints
    survival: Floats
    survival_variance: Floats
    incidence: Floats
    variance: Floats
    known: NDArray[np.bool_]  # somebody was at risk in every period up to this one, or all had the event before


def hazards(
    frame: pd.DataFrame,
    *,
    period: str,
    event: str,
    by: Sequence[str] | str = (),
    until: int | None = None,
    censored: str | int | None = 0,
    entry: str | None = None,
    count: str | None = None,
    conf_level: float = 0.95,
) -> Hazards:
    r"""Give for each period the share of those still there to whom each event happened, and what that adds up to.

    With :math:`n_p` persons watched in period p without an event before it, and :math:`d_{kp}` of them with cause k in it:
    hazard :math:`h_{kp} = d_{kp}/n_p`; survival :math:`S_p = \prod_{q \le p} (1 - \sum_k h_{kq})`; cumulative incidence
    :math:`I_{kp} = \sum_{q \le p} S_{q-1} h_{kq}`, the share that has left by way k when the other ways are open too (Singer &
    Willett 1993; Aalen & Johansen 1978). One minus the survival of one cause, with the others taken as censoring, would
    be the share in a world without the others, and is not given.

    Parameters
    ----------
    frame : DataFrame
        A row a person, or a career, or with `count` some of them.
    period : str
        Column: the period (a whole number, at least 0) of the event, or the last one that was watched to its end.
    event : str
        Column: how it ended: 0 or False without event, other numbers or texts a cause each.
    by : str or sequence of str
        Cut columns; rows where one is missing are in no unit.
    until : int, optional
        Last period told; None: the last of the frame. Periods begin with 1, or with 0 where one is.
    censored : str, int or None
        The code of `event` that means the watch ended without event; needed where the column holds text. None: no watch did.
    entry : str, optional
        Column: the last period before the person came into sight, a whole number below `period`; at risk from the next.
    count : str, optional
        Column: how many persons a row stands for, a whole number, at least 0. None: one.
    conf_level : float
        Between 0 and 1.

    Returns
    -------
    Hazards
        ``tidy()``: domain ``period=...`` behind the cuts, ``n`` persons at risk in the period. Statistic ``hazard``, term
        ``event=cause``, with Wilson's interval; ``cumulative_incidence``, term ``event=cause``, error of Greenwood's type
        (`analysis.core.survival.aalen_johansen`, as R's survfit of several states), interval symmetric on the scale of
        log(-log); ``survival``, term `event`, of all causes together, the same. ``n_eff`` as in `kaplan_meier`. A period in which
        nobody is at risk has no hazard (``not_estimable``), and from it on nothing adds up any more, unless all had had the
        event before. ``life_table``: the counts.

    Raises
    ------
    ValueError
        For unknown columns, missing values, periods that are no whole numbers or below 0, no row with the code of
        censoring, a column in which nothing but censoring is, or an option that would change nothing.

    Notes
    -----
    Whoever was lost from sight within a period was not watched to its end: their last period is the one before. Assumes that
    the lost would have gone on as those still watched. The intervals of different periods are independent.

    Examples
    --------
    >>> frame = pd.DataFrame({"year": [1, 1, 2, 2, 2], "exit": ["moved", "left", "left", "still", "still"]})
    >>> rows = hazards(frame, period="year", event="exit", censored="still").tidy()
    >>> rows[rows["term"] == "exit=left"][["domain", "statistic", "estimate", "n"]].round(4).values.tolist()
    ... # doctest: +NORMALIZE_WHITESPACE
    [['period=1', 'hazard', 0.2, 5.0], ['period=2', 'hazard', 0.3333, 3.0],
     ['period=1', 'cumulative_incidence', 0.2, 5.0], ['period=2', 'cumulative_incidence', 0.4, 3.0]]
    """
    cuts = names(by)
    refuse_columns(frame, (period, event, *(c for c in (entry, count) if c)), cuts, "period", "hazards")
    periods = _whole(durations(frame, period), period)
    causes, cause = _causes(frame, event, censored)
    since = None if entry is None else _whole(entries(frame, entry, periods), entry)
    told = _periods(periods, until)
    unit, keys = domains(frame, {c: c for c in cuts})
    persons = None if count is None else _persons(frame, count)
    table = table_of(periods, cause, unit, len(keys), causes=len(causes), since=since, count=persons)
    grid = _grid(table, told)
    terms = [f"{event}={c}" for c in causes]
    rows = _rows(grid, in_time(keys, grid.unit, "period", grid.period), event, terms, conf_level)
    return Hazards(event, causes, rows, _counts(grid, keys, causes))


def _whole(values: Floats, column: str) -> Floats:
    odd = int((values != np.floor(values)).sum())
    if odd:
        raise ValueError(
            f"column {column!r} is no whole number in {odd} rows; periods are counted (kaplan_meier takes durations)"
        )
    return values


def _persons(frame: pd.DataFrame, column: str) -> Ints:
    values = numeric(frame, column)
    odd = int((~(values >= 0) | (values != np.floor(values))).sum())
    if odd:
        raise ValueError(f"column {column!r} is no whole number of persons, at least 0, in {odd} rows")
    return values.astype(np.int64)


def _causes(frame: pd.DataFrame, event: str, censored: str | int | None) -> tuple[tuple[str, ...], Ints]:
    """Causes in sorted order, and of each row 0 for none of them, else the place of its cause from 1 on."""
    values = frame[event]
    codes, found = levels(values)
    missing = int((codes < 0).sum())
    if missing:
        raise ValueError(
            f"column {event!r} is missing in {missing} rows; how a watch ended that nobody recorded is not known: leave the"
            " rows out, or end their watch in the last period that was recorded"
        )
    numbers = pd.api.types.is_numeric_dtype(values) or pd.api.types.is_bool_dtype(values)
    texts = [label(int(v) if isinstance(v, bool | np.bool_) else v) for v in found]
    without = None if censored is None else label(censored)
    if without is not None and without not in texts and not (numbers and censored == 0):
        raise ValueError(
            f"no row of column {event!r} has the code that means the watch ended without event; name it (censored=...), or say"
            " censored=None where every watch ended with one"
        )
    causes = tuple(t for t in texts if t != without)
    if not causes:
        raise ValueError(f"column {event!r} holds no event in {len(frame)} rows; there is no hazard to tell")
    place = np.array([causes.index(t) + 1 if t != without else 0 for t in texts], np.int64)
    return causes, place[codes]


def _periods(periods: Floats, until: int | None) -> Floats:
    first = int(min(1, periods.min(initial=1)))
    last = int(periods.max(initial=first)) if until is None else until
    if last != int(last) or last < first:
        raise ValueError(f"until must be a period from {first} on, a whole number; seen {until}")
    return np.arange(first, int(last) + 1.0)


def _grid(table: core.LifeTable, told: Floats) -> _Grid:
    limit, found = core.product_limit(table), core.aalen_johansen(table)
    row, at_risk = core.look_up(table, told)
    units, many = row.shape
    flat, period = row.ravel(), np.tile(told, units)
    survival = np.append(limit.survival, 1.0)[flat]
    with np.errstate(invalid="ignore"):
        survival_variance = survival**2 * np.append(limit.greenwood, 0.0)[flat]
    here = np.append(table.time, np.nan)[flat] == period
    none = np.zeros((1, table.events.shape[1]))
    # Someone is at risk, or nobody was left before: a period that nobody was watched in ends what can be added up.
    watched = (at_risk > 0) | (survival.reshape(units, many) == 0)
    return _Grid(
        unit=np.repeat(np.arange(units), many),
        period=period,
        at_risk=at_risk.ravel(),
        censored=np.where(here, np.append(table.censored, 0)[flat], 0),
        events=np.where(here[:, None], np.append(table.events, none.astype(np.int64), axis=0)[flat], 0),
        survival=survival,
        survival_variance=survival_variance,
        incidence=np.append(found.incidence, none, axis=0)[flat],
        variance=np.append(found.variance, none, axis=0)[flat],
        known=np.logical_and.accumulate(watched, axis=1).ravel(),
    )


def _rows(grid: _Grid, keys: pd.DataFrame, event: str, terms: Sequence[str], conf_level: float) -> pd.DataFrame:
    """Unit by unit: the hazards of each cause, their incidences, the survival; periods in order."""
    z, n = NormalDist().inv_cdf((1 + conf_level) / 2), pd.Series(grid.at_risk, dtype="float64")
    parts = []
    for k, term in enumerate(terms):
        shares = wilson(pd.Series(grid.events[:, k], dtype="float64"), n, conf_level)
        parts.append(keys.join(shares.drop(columns="n")).assign(term=term, statistic="hazard"))
    for k, term in enumerate(terms):
        numbers = _curve(grid.incidence[:, k], grid.variance[:, k], grid.known, z)
        parts.append(keys.join(numbers).assign(term=term, statistic="cumulative_incidence"))
    whole = _curve(grid.survival, grid.survival_variance, grid.known, z)
    parts.append(keys.join(whole).assign(term=event, statistic="survival"))
    found = pd.concat([part.assign(n=n, unit=grid.unit) for part in parts], ignore_index=True)
    order = found.pop("unit").argsort(kind="stable")
    return tidy_frame(found.iloc[order])


def _curve(share: Floats, variance: Floats, known: NDArray[np.bool_], z: float) -> pd.DataFrame:
    told = (variance > 0) & np.isfinite(variance)
    low, high = core.interval(share, variance, z)
    spread = np.where(told, variance, np.nan)
    numbers = {"estimate": share, "std_error": np.sqrt(spread), "conf_low": low, "conf_high": high}
    return pd.DataFrame(numbers | {"n_eff": share * (1 - share) / spread}).where(pd.Series(known))


def _counts(grid: _Grid, keys: pd.DataFrame, causes: Sequence[str]) -> pd.DataFrame:
    table = keys.iloc[grid.unit].reset_index(drop=True)
    counts = {"period": grid.period.astype(np.int64), "at_risk": grid.at_risk, "censored": grid.censored}
    return table.assign(**counts | {c: grid.events[:, k] for k, c in enumerate(causes)})
