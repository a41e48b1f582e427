"""How long until they join, return or leave, where not everybody was watched to the end?  Kaplan and Meier's curve.

Source: a frame with a row a person (or career): how long they were watched, and whether it ended with the event. See
`analysis.core.survival`. For periods counted one by one, and several ways out, see `analysis.hazards`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.core import survival as core
from analysis.methods.design import label, names, numeric, present
from analysis.methods.estimates import domains
from analysis.tidy import domain_key, parse_domain, tidy_frame

SHARES = ("survival", "std_error", "conf_low", "conf_high")
CURVES = ("time", "at_risk", "events", *SHARES, "status")
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, repr=False)
class KaplanMeier:
    """The share without event over time, by unit."""

    event: str  #: column of the event: the term
    conf_type: str  #: log-log, log or plain
    conf_level: float  #: level of the intervals, 0..1
    keys: pd.DataFrame  #: key columns of each unit, a row a unit
    curves: pd.DataFrame  #: unit (row of `keys`) and `CURVES`, a row a time; numbers only, however many
    medians: pd.DataFrame  #: a row a unit: n persons, events, median, conf_low, conf_high; NaN: not reached

    def tidy(self) -> pd.DataFrame:
        """Return the rows, columns as ``analysis.tidy.COLUMNS``; made when asked, as a time is text in them."""
        found = pd.concat([self._medians(), self._shares()], ignore_index=True)
        order = found.pop("unit").argsort(kind="stable")
        return tidy_frame(found.iloc[order].assign(term=self.event))

    def _medians(self) -> pd.DataFrame:
        told = self.medians[["n", "median", "conf_low", "conf_high"]].rename(columns={"median": "estimate"})
        bounds = told[["conf_low", "conf_high"]].where(told["estimate"].notna())
        keys = self.keys.assign(**told.assign(n_eff=told["n"], **bounds), statistic="median_time")
        return keys.assign(unit=np.arange(len(keys)))

    def _shares(self) -> pd.DataFrame:
        rows = self.curves
        variance = rows["std_error"] ** 2
        keys = in_time(self.keys, rows["unit"], "time", rows["time"])
        table = keys.assign(unit=rows["unit"], n=rows["at_risk"], std_error=rows["std_error"], status=rows["status"])
        table["n_eff"] = rows["survival"] * (1 - rows["survival"]) / variance.where(variance > 0)
        stayed = {"estimate": rows["survival"], "conf_low": rows["conf_low"], "conf_high": rows["conf_high"]}
        left = {"estimate": 1 - rows["survival"], "conf_low": 1 - rows["conf_high"], "conf_high": 1 - rows["conf_low"]}
        parts = [table.assign(statistic="survival", **stayed), table.assign(statistic="cumulative", **left)]
        return pd.concat(parts, ignore_index=True)

    def __repr__(self) -> str:
        n, events = int(self.medians["n"].sum()), int(self.medians["events"].sum())
        return f"KaplanMeier({self.event}: {events} events of {n}, {len(self.keys)} curves; {self.conf_type})"


def kaplan_meier(
    frame: pd.DataFrame,
    *,
    time: str,
    event: str,
    by: Sequence[str] | str = (),
    entry: str | None = None,
    at: Sequence[float] | float | None = None,
    conf_type: str = "log-log",
    conf_level: float = 0.95,
) -> KaplanMeier:
    r"""Give the share that has not had the event by each time: :math:`S(t) = \prod_{t_j \le t} (1 - d_j / n_j)`.

    :math:`d_j` had it at :math:`t_j` of the :math:`n_j` watched until then. Whoever was lost from sight counts as long as they
    were watched and in nothing after it: not recorded is not the same as did not come. The error is Greenwood's,
    :math:`\sigma = S \sqrt{\sum d_j / (n_j (n_j - d_j))}` (Kaplan & Meier 1958, equations 2b and 3c).

    Parameters
    ----------
    frame : DataFrame
        A row a person, or a career.
    time : str
        Column: how long the person was watched, in any unit, at least 0.
    event : str
        Column: 1 or True where the event ended it, 0 or False where the watch did.
    by : str or sequence of str
        Cut columns, a curve for each combination that occurs; rows where one is missing are in no curve.
    entry : str, optional
        Column: time from which the person was watched, at least 0 and below `time` (left truncation: those who had the event
        before it never came into sight). At risk are those with entry < t <= time.
    at : number or sequence of numbers, optional
        Times to tell; None: every time with an event.
    conf_type : {"log-log", "log", "plain"}
        Scale on which the interval is symmetric. log-log stays within 0..1 and holds its level best in small groups.
    conf_level : float
        Between 0 and 1.

    Returns
    -------
    KaplanMeier
        ``tidy()``: term = `event`, domain ``time=...`` behind the cuts; statistic ``survival`` S and ``cumulative`` 1 - S, shares;
        ``n`` how many are at risk at that time, ``n_eff`` the number of people all watched to the end that would have this
        error, :math:`S (1 - S) / \sigma^2` (Dorey & Korn 1987). Statistic ``median_time``: the time by which half had it, the
        middle of the stretch where S is exactly one half; ``n`` persons; its interval by Brookmeyer & Crowley (1982) on the
        scale of `conf_type`: where the ends of the curve's interval reach one half. Missing ends are not reached.
        Before the first event, and where S is 0, there is no error. Of times at which nobody is watched (after the last, with
        late entries also before the first) S is ``not_estimable``, unless it is 0; so is a median that is not reached
        (``medians`` still has its lower end).
        ``curves`` has the same numbers without text: with millions of distinct times use it, or `at`.

    Raises
    ------
    ValueError
        For unknown columns or options, missing or negative times, events other than 0 and 1, missing ones among them, entries not
        before the time.

    Notes
    -----
    Assumes that those lost from sight would have gone on as those still watched (within a cut). Persons are independent; no
    weights. Numbers as R's survfit; with late entries a small early risk set may bring S to 0, where it stays, and a stretch
    in which nobody was watched counts as one without events.
    Intervals are for one time each, not for the whole curve.

    Examples
    --------
    >>> frame = pd.DataFrame({"months": [1, 2, 2, 3, 5], "left": [1, 1, 0, 1, 0]})
    >>> found = kaplan_meier(frame, time="months", event="left")
    >>> found.tidy().query("statistic == 'survival'")[["domain", "estimate", "n"]].round(4).values.tolist()
    [['time=1', 0.8, 5.0], ['time=2', 0.6, 4.0], ['time=3', 0.3, 2.0]]
    >>> found.medians["median"].tolist()
    [3.0]
    """
    cuts = names(by)
    _check(frame, (time, event, *([entry] if entry else [])), cuts, conf_type, conf_level)
    moments = None if at is None else times_asked(at)
    times, happened = durations(frame, time), _events(frame, event)
    since = None if entry is None else entries(frame, entry, times)
    unit, keys = domains(frame, {c: c for c in cuts})
    table = table_of(times, happened, unit, len(keys), since=since)
    z = NormalDist().inv_cdf((1 + conf_level) / 2)
    events, curves = _event_rows(table, z, conf_type)
    medians = _medians(table, events, curves)
    chosen = curves if moments is None else _at(table, events, curves, moments)
    return KaplanMeier(event, conf_type, conf_level, keys, chosen, medians)


def _check(frame: pd.DataFrame, columns: Sequence[str], cuts: Sequence[str], conf_type: str, conf_level: float) -> None:
    refuse_columns(frame, columns, cuts, "time", "kaplan_meier")
    if conf_type not in core.KINDS:
        raise ValueError(f"unknown conf_type {conf_type!r}; scales of an interval are {', '.join(core.KINDS)}")
    if not 0 < conf_level < 1:
        raise ValueError(f"conf_level must lie between 0 and 1, seen {conf_level}")


def refuse_columns(frame: pd.DataFrame, columns: Sequence[str], cuts: Sequence[str], moment: str, what: str) -> None:
    """Refuse columns that are not there, are named twice, or would give two things one name in the table."""
    present(frame, [*columns, *cuts], what)
    wanted = [*columns, *cuts]
    twice = sorted({c for c in wanted if wanted.count(c) > 1})
    if twice:
        raise ValueError(f"{what} was given a column for two things: {twice}; each has one")
    if moment in cuts:
        raise ValueError(f"a cut named {moment!r} would stand beside the table's own {moment}; rename the column")


def durations(frame: pd.DataFrame, column: str) -> Floats:
    """Read a column of durations: none missing, none below 0.

    Raises
    ------
    ValueError
        That says in how many rows.
    """
    values = _known(frame, column)
    below = int((values < 0).sum())
    if below:
        raise ValueError(
            f"column {column!r} is below 0 in {below} rows; a duration is at least 0: mend or leave out the rows"
        )
    return values


def _known(frame: pd.DataFrame, column: str) -> Floats:
    values = numeric(frame, column)
    missing = int(np.isnan(values).sum())
    if missing:
        raise ValueError(
            f"column {column!r} is missing in {missing} rows; who was not recorded has not stayed away: leave the rows"
            " out, or end their watch without event when they were last seen"
        )
    return values


def _events(frame: pd.DataFrame, column: str) -> Ints:
    values = _known(frame, column)
    odd = int((~np.isin(values, (0, 1))).sum())
    if odd:
        raise ValueError(
            f"column {column!r} is neither 0 nor 1 in {odd} rows; an event is 1, a watch that ended without it 0"
            " (hazards tells several ways out apart)"
        )
    return values.astype(np.int64)


def entries(frame: pd.DataFrame, column: str, times: Floats) -> Floats:
    """Read a column of entries: durations, each before its time.

    Raises
    ------
    ValueError
        That says in how many rows; also for entries that are all 0, which change nothing.
    """
    values = durations(frame, column)
    late = int((values >= times).sum())
    if late:
        raise ValueError(
            f"column {column!r} is not before the end of the watch in {late} rows; nobody is at risk there: mend or leave them out"
        )
    if len(values) and not values.any() and times.all():
        raise ValueError(
            f"column {column!r} is 0 in all rows: everybody was watched from the beginning; leave entry out"
        )
    return values


def times_asked(at: Sequence[float] | float) -> Floats:
    """Times that were asked for, rising, each once.

    Raises
    ------
    ValueError
        For none, and for times that are missing, infinite or below 0.
    """
    found = np.unique(np.atleast_1d(np.asarray(at, float)))
    if not len(found) or not (np.isfinite(found) & (found >= 0)).all():
        raise ValueError("at needs one time or several, each a number of at least 0; leave it out for all event times")
    return found


def table_of(
    times: Floats,
    cause: Ints,
    unit: Ints,
    units: int,
    *,
    causes: int = 1,
    since: Floats | None = None,
    count: Ints | None = None,
) -> core.LifeTable:
    """Count the rows that are in a unit."""
    if (unit < 0).any():
        inside = unit >= 0
        times, cause, unit = times[inside], cause[inside], unit[inside]
        since = None if since is None else since[inside]
        count = None if count is None else count[inside]
    group = unit if units > 1 else None
    return core.life_table(times, cause, causes=causes, group=group, groups=units, entry=since, count=count)


def in_time(keys: pd.DataFrame, unit: Iterable[int], moment: str, times: Iterable[float]) -> pd.DataFrame:
    """Key columns of units with a time behind the cuts, ``a=x;time=3``."""
    found = keys.iloc[np.asarray(unit, np.int64)].reset_index(drop=True)
    before = found["domain"] if "domain" in found else pd.Series("*", index=found.index, dtype="str")
    parts = {d: "" if d == "*" else domain_key(parse_domain(d)) + ";" for d in before.unique()}
    texts = [parts[d] + domain_key({moment: label(t)}) for d, t in zip(before, times, strict=True)]
    return found.assign(domain=pd.array(texts, dtype="str"))


def _event_rows(table: core.LifeTable, z: float, conf_type: str) -> tuple[core.LifeTable, pd.DataFrame]:
    """Give the rows of the life table with events, and the curve at them."""
    rows = table.at(table.any_event > 0)
    limit = core.product_limit(rows)
    share = limit.survival
    variance = np.multiply(share**2, limit.greenwood, out=np.full(len(share), np.nan), where=share > 0)
    low, high = core.interval(share, variance, z, conf_type)
    columns = (rows.time, rows.at_risk, rows.any_event, share, np.sqrt(variance), low, high)
    curves = pd.DataFrame({"unit": rows.group} | dict(zip(CURVES, columns, strict=False)))
    return rows, curves.assign(status=pd.array(["ok"], dtype="str").take(np.zeros(len(curves), np.int64)))


def _medians(table: core.LifeTable, events: core.LifeTable, curves: pd.DataFrame) -> pd.DataFrame:
    """Where the curve and the ends of its interval reach one half; the lower end of the curve does so first."""
    columns = {"median": "survival", "conf_low": "conf_low", "conf_high": "conf_high"}
    found = {k: core.reached(events, curves[c].to_numpy()) for k, c in columns.items()}
    had = np.bincount(events.group, events.any_event, len(table.persons)).astype(np.int64)
    return pd.DataFrame({"n": table.persons, "events": had} | found)


def _at(table: core.LifeTable, events: core.LifeTable, curves: pd.DataFrame, moments: Floats) -> pd.DataFrame:
    """Give the curve at times asked for: as the last event left it; unknown while nobody is watched."""
    units, many = len(table.persons), len(moments)
    last = core.look_up(events, moments)[0].ravel()  # -1: before the first event
    at_risk = core.look_up(table, moments)[1].ravel()
    unit, time = np.repeat(np.arange(units), many), np.tile(moments, units)
    values = {c: np.append(curves[c].to_numpy(), np.nan)[last] for c in SHARES}
    values["survival"] = np.where(last < 0, 1.0, values["survival"])
    gone = (at_risk == 0) & (values["survival"] > 0) & (time > 0)
    had = np.where(np.append(events.time, np.nan)[last] == time, np.append(events.any_event, 0)[last], 0)
    told = {"unit": unit, "time": time, "at_risk": at_risk, "events": had}
    told |= {c: np.where(gone, np.nan, v) for c, v in values.items()}
    return pd.DataFrame(told).assign(status=pd.array(np.where(gone, "not_estimable", "ok").tolist(), dtype="str"))
