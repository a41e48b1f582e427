"""What the log says, reduced once: how much happened where (`cells`) and who came how often (`careers`).

The source is the accepted log of all waves, one row a member at an activity. An engine of its own counts it on one
thread, sees whole numbers and times only, may open no file, and gives the same bytes for rows in any order.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa

LOG = ("wave", "member", "activity", "region", "start", "channel", "response", "took_part")
ORGANISERS = ("wave", "activity", "group")
WINDOWS = ("took_part", "returned")
MEMORY = "1GB"  # above it the engine writes to a private folder that is gone when it is done
LOCKED = ("python_enable_replacements = false", "enable_external_access = false", "lock_configuration = true")
LONG_AGO = datetime(1, 1, 1)

# A time = a member, an organiser, an activity and its start; the same time in two waves' files counts in the first.
_TIMES = """
CREATE TABLE times AS
SELECT t.member, o.organiser, t.activity, t.start, MIN(t.wave) AS wave, MIN(t.region) AS region,
       MIN(t.channel) AS channel
FROM taken t JOIN organisers o ON o.wave = t.wave AND o.activity = t.activity
GROUP BY t.member, o.organiser, t.activity, t.start
"""
_KNOWN = """
CREATE TABLE known AS
SELECT w.wave, t.member, t.organiser, MIN(t.start) AS joined
FROM times t JOIN waves w ON t.wave <= w.wave AND t.start <= w.closes
GROUP BY w.wave, t.member, t.organiser
"""
_SEEN = """
CREATE TABLE seen AS
SELECT w.wave, t.member, t.organiser, t.region, t.channel, t.start
FROM times t JOIN waves w ON t.wave <= w.wave AND t.start <= w.closes AND t.start > w.opens
"""
_NUMBERED = """
CREATE TABLE numbered AS
SELECT wave, member, organiser, MIN(start) AS first_time, MAX(CASE WHEN nth = 2 THEN start END) AS second_time,
       MAX(start) AS last_time, COUNT(*) AS times
FROM (SELECT wave, member, organiser, start,
             ROW_NUMBER() OVER (PARTITION BY wave, member, organiser ORDER BY start) AS nth FROM seen) s
GROUP BY wave, member, organiser
"""
_FAVOURITE = """
CREATE TABLE favourite_{0} AS
SELECT wave, member, organiser, {0}
FROM (SELECT wave, member, organiser, {0},
             ROW_NUMBER() OVER (PARTITION BY wave, member, organiser ORDER BY n DESC, {0}) AS place
      FROM (SELECT wave, member, organiser, {0}, COUNT(*) AS n FROM seen WHERE {0} >= 0
            GROUP BY wave, member, organiser, {0}) c) r
WHERE place = 1
"""
_CAREERS = """
SELECT n.wave, n.member, n.organiser, COALESCE(r.region, -1) AS region, COALESCE(c.channel, -1) AS channel,
       k.joined, n.first_time, n.second_time, n.last_time, n.times
FROM numbered n
JOIN known k ON k.wave = n.wave AND k.member = n.member AND k.organiser = n.organiser
LEFT JOIN favourite_region r ON r.wave = n.wave AND r.member = n.member AND r.organiser = n.organiser
LEFT JOIN favourite_channel c ON c.wave = n.wave AND c.member = n.member AND c.organiser = n.organiser
ORDER BY n.wave, n.member, n.organiser
"""
_CELLS = """
SELECT t.wave, o.organiser, t.region, t.channel, DATE_TRUNC('month', t.start) AS month,
       COUNT(DISTINCT t.activity) AS events, COUNT(DISTINCT t.member) AS people,
       COUNT(DISTINCT CASE WHEN k.joined >= DATE_TRUNC('month', t.start) THEN t.member END) AS first_time,
       COUNT(DISTINCT CASE WHEN k.joined < DATE_TRUNC('month', t.start) THEN t.member END) AS returning_people
FROM taken t
JOIN organisers o ON o.wave = t.wave AND o.activity = t.activity
JOIN known k ON k.wave = t.wave AND k.member = t.member AND k.organiser = o.organiser
GROUP BY t.wave, o.organiser, t.region, t.channel, DATE_TRUNC('month', t.start)
ORDER BY t.wave, o.organiser, t.region, t.channel, month
"""
_OBSERVED = """
SELECT l.wave, o.organiser, MIN(l.start) AS start
FROM log l JOIN organisers o ON o.wave = l.wave AND o.activity = l.activity
GROUP BY l.wave, o.organiser
ORDER BY l.wave, o.organiser
"""
_TAKEN = """
CREATE TABLE taken AS
SELECT l.wave, l.member, l.activity, l.region, l.channel, l.start
FROM log l JOIN waves w ON w.wave = l.wave WHERE l.took_part AND l.start <= w.closes
"""
STEPS = (_TAKEN, _TIMES, _KNOWN, _SEEN, _NUMBERED)


@dataclass(frozen=True, slots=True)
class Activity:
    """The log, reduced.

    Attributes
    ----------
    cells : DataFrame
        A wave, group, region, channel and month (its first day): ``events`` (distinct activities), ``people``
        (distinct members), ``first_time`` (people whose first time ever with the group is in that month) and
        ``returning`` (people who had come before that month); ``people = first_time + returning``. A wave's cells hold
        the rows that arrived with it.
    careers : DataFrame
        A wave, member and group with at least one time in the window: ``region`` and ``channel`` most used in it
        (ties: first by code; missing where never known), ``joined`` (first time in the whole log up to the wave's
        end), ``first, second, last`` and ``count`` of the times in the window.
    observed : DataFrame
        A wave and group: ``wave, organisation, start, end, reported``; start = first row of any response in the
        wave, end = the log's end, both missing where the group did not report.
    tally : DataFrame
        Rows of the log that count nowhere: ``wave, reason`` (``not_taken_part``, ``after_end``), ``response, rows``.
    """

    cells: pd.DataFrame
    careers: pd.DataFrame
    observed: pd.DataFrame
    tally: pd.DataFrame

    def __repr__(self) -> str:
        waves = list(self.careers["wave"].unique())
        return f"Activity(waves {waves}; {len(self.cells)} cells, {len(self.careers)} careers)"


def reduce_log(
    log: pd.DataFrame,
    organisers: pd.DataFrame | None,
    *,
    windows: Mapping[str, int | None],
    log_end_per_wave: Mapping[str, pd.Timestamp],
    not_reporting: Mapping[str, Iterable[str]],
) -> Activity:
    """Reduce the accepted log of all waves to cells and careers.

    A wave sees the rows of its own and of earlier waves up to its log's end (inclusive); waves are ordered by name. Its
    window is the ``took_part`` days before that end (exclusive at the far side); None: everything up to the end. A row
    that arrives again in a later wave (same member, activity, organiser, start) is one time. A joint activity counts
    for each organiser. Two rows of one activity with different starts are two times of one activity (a series).

    Parameters
    ----------
    log : DataFrame
        ``wave, member, activity, region, channel, response`` text (region, channel, response may be missing),
        ``start`` datetime64[us] local, ``took_part`` bool; other columns are not read.
    organisers : DataFrame or None
        ``wave, activity, group``, one row an activity and organiser. None: the study has no groups, ``group`` is missing.
    windows : mapping
        ``{"took_part": days or None, "returned": days or None}``; returned is applied where careers are read.
    log_end_per_wave : mapping
        {wave: last instant the log covers}; every wave in the log.
    not_reporting : mapping
        {wave: groups that sent no log though asked}.

    Returns
    -------
    Activity

    Raises
    ------
    ValueError
        For a missing column or cell that must be there, an activity without organiser, a wave without end, a window
        that is not positive.

    Notes
    -----
    Engine: one thread, no access to files or the network, configuration locked, 1 GB of memory before it spills.
    """
    _check(log, organisers, windows, log_end_per_wave)
    log = log.reset_index(drop=True)
    codes, names = _coded(log)
    held_by = _held_by(log, organisers)
    held_by, names["group"] = _coded_organisers(held_by, names)
    tables = {"log": _table(codes.assign(start=log["start"], took_part=log["took_part"]))}
    tables |= {"organisers": _table(held_by)}
    tables |= {"waves": _waves_table(names["wave"], log_end_per_wave, windows.get("took_part"))}
    cells, careers, seen = (_named(frame, names) for frame in _count(tables))
    return Activity(
        cells,
        careers.rename(columns={"first_time": "first", "second_time": "second", "last_time": "last", "times": "count"}),
        _observed(seen, log_end_per_wave, not_reporting),
        _left_out(log, log_end_per_wave),
    )


def _check(
    log: pd.DataFrame,
    organisers: pd.DataFrame | None,
    windows: Mapping[str, int | None],
    ends: Mapping[str, pd.Timestamp],
) -> None:
    for name, frame, columns in (("log", log, LOG), ("organisers", organisers, ORGANISERS)):
        absent = [c for c in columns if frame is not None and c not in frame.columns]
        if frame is not None and absent:
            raise ValueError(f"the {name} frame lacks the columns {absent}; it needs {list(columns)}")
    holes = {c: int(log[c].isna().sum()) for c in ("wave", "member", "activity", "start", "took_part")}
    if any(holes.values()):
        raise ValueError(f"the log has rows without a value: {holes}; set them aside before they are counted")
    odd = [w for w, days in windows.items() if w not in WINDOWS or (days is not None and days <= 0)]
    if odd:
        raise ValueError(f"windows are {list(WINDOWS)}, in days above 0 or None; not {odd}")
    endless = sorted(set(log["wave"]) - set(ends))
    if endless:
        raise ValueError(f"waves {endless} of the log have no end: give each wave the last moment its log covers")


def _held_by(log: pd.DataFrame, organisers: pd.DataFrame | None) -> pd.DataFrame:
    """Give the organisers of every activity of the log, one row each; missing in a study without groups."""
    held = log[["wave", "activity"]].drop_duplicates()
    if organisers is None:
        return held.assign(group=pd.Series(pd.NA, index=held.index, dtype="str"))
    both = held.merge(organisers[list(ORGANISERS)].drop_duplicates(), how="left", on=["wave", "activity"])
    alone = int(both["group"].isna().sum())
    if alone:
        raise ValueError(f"{alone} activities of the log have no organiser: name one each, or set their rows aside")
    return both


def _coded(log: pd.DataFrame) -> tuple[pd.DataFrame, dict[str, pd.Index]]:
    """Write text as the place of its value in sorted order, -1 where it is missing; and the values."""
    codes, names = {}, {}
    for column in ("wave", "member", "activity", "region", "channel"):
        found, values = pd.factorize(log[column], sort=True)
        codes[column], names[column] = found.astype(np.int32), pd.Index(values, dtype="str")
    return pd.DataFrame(codes, index=log.index), names


def _coded_organisers(held_by: pd.DataFrame, names: Mapping[str, pd.Index]) -> tuple[pd.DataFrame, pd.Index]:
    organiser, groups = pd.factorize(held_by["group"], sort=True)
    codes = {c: names[c].get_indexer(pd.Index(held_by[c])).astype(np.int32) for c in ("wave", "activity")}
    return pd.DataFrame(codes | {"organiser": organiser.astype(np.int32)}), pd.Index(groups, dtype="str")


def _table(frame: pd.DataFrame) -> pa.Table:
    arrays = {c: pa.array(frame[c].to_numpy()) for c in frame.columns if c != "start"}
    if "start" in frame.columns:
        arrays["start"] = pa.array(frame["start"].astype("datetime64[us]").to_numpy(), pa.timestamp("us"))
    return pa.table(arrays)


def _waves_table(waves: pd.Index, ends: Mapping[str, pd.Timestamp], days: int | None) -> pa.Table:
    closes = [pd.Timestamp(ends[w]).to_pydatetime() for w in waves]
    opens = [LONG_AGO if days is None else end - timedelta(days=days) for end in closes]
    return pa.table(
        {
            "wave": pa.array(range(len(waves)), pa.int32()),
            "opens": pa.array(opens, pa.timestamp("us")),
            "closes": pa.array(closes, pa.timestamp("us")),
        }
    )


def _count(tables: Mapping[str, pa.Table]) -> list[pd.DataFrame]:
    """Run the steps in an engine of their own: cells, careers, what was seen of each organiser."""
    with tempfile.TemporaryDirectory() as spill:
        engine = duckdb.connect(":memory:", config={"threads": 1, "memory_limit": MEMORY, "temp_directory": spill})
        try:
            for setting in LOCKED:
                engine.execute(f"SET {setting}")
            for name, table in tables.items():
                engine.register(name, table)
            for step in (*STEPS, _FAVOURITE.format("region"), _FAVOURITE.format("channel")):
                engine.execute(step)
            return [engine.execute(q).df() for q in (_CELLS, _CAREERS, _OBSERVED)]
        finally:
            engine.close()


def _named(counted: pd.DataFrame, names: Mapping[str, pd.Index]) -> pd.DataFrame:
    """Put the values back for their numbers and give times and counts their dtypes."""
    frame = counted.rename(columns={"organiser": "group", "returning_people": "returning"})
    for column in frame.columns:
        if column in names:
            values = names[column].astype("str").append(pd.Index([None], dtype="str"))
            frame[column] = values.take(frame[column].to_numpy())  # -1, the last value, is the missing one
        elif pd.api.types.is_datetime64_any_dtype(frame[column]):
            frame[column] = frame[column].astype("datetime64[us]")
        else:
            frame[column] = frame[column].astype("int64")
    return frame


def _observed(
    seen: pd.DataFrame, ends: Mapping[str, pd.Timestamp], not_reporting: Mapping[str, Iterable[str]]
) -> pd.DataFrame:
    silent = pd.DataFrame([(w, g) for w, groups in not_reporting.items() for g in groups], columns=["wave", "group"])
    keys = pd.MultiIndex.from_frame(seen[["wave", "group"]])
    heard = seen[~keys.isin(list(silent.itertuples(index=False, name=None)))]
    heard = heard.assign(end=heard["wave"].map(ends), reported=True)
    both = pd.concat([heard, silent.astype("str").assign(reported=False)], ignore_index=True)
    both[["start", "end"]] = both[["start", "end"]].astype("datetime64[us]")
    both = both.rename(columns={"group": "organisation"}).sort_values(["wave", "organisation"], ignore_index=True)
    return both[["wave", "organisation", "start", "end", "reported"]].astype({"reported": bool})


def _left_out(log: pd.DataFrame, ends: Mapping[str, pd.Timestamp]) -> pd.DataFrame:
    late = log["start"] > log["wave"].map(ends)
    out = log.loc[late | ~log["took_part"], ["wave", "response"]]
    reason = late[out.index].map({True: "after_end", False: "not_taken_part"}).rename("reason")
    rows = out.assign(reason=reason).groupby(["wave", "reason", "response"], dropna=False, sort=True).size()
    return rows.rename("rows").reset_index()[["wave", "reason", "response", "rows"]]
