"""The log of one wave reduced: what its own file and those before it say, counted in an engine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd
import pyarrow as pa

from survey.activity import frames, steps
from survey.activity.engines import Engine, opened
from survey.activity.frames import Activity
from survey.activity.parts import RATINGS, Again, LogPart, again_table, as_one, check_parts, until

LONG_AGO = pd.Timestamp("0001-01-01")
_INSTANT = pd.Timedelta(microseconds=1)
BETWEEN = ";"  # stands between the organisers of a joint activity


@dataclass(frozen=True, slots=True)
class _Held:
    """Who holds what: the activities as their rows tell of them, and a row an activity and organiser."""

    activities: pd.DataFrame
    organisers: pd.DataFrame
    names: dict[str, pd.Index]

    def of(self, number: int) -> pd.DataFrame:
        """Give the activities of a wave."""
        return self.activities[self.activities["wave_no"] == number]


def reduce_wave(
    parts: Sequence[LogPart],
    wave: str,
    *,
    again: Again,
    took_part_days: int | None,
    log_end: pd.Timestamp | None,
    not_reporting: Sequence[str],
    not_after: pd.Timestamp | None = None,
    engine: str | None = None,
    incidence: bool = True,
) -> Activity:
    """Reduce the accepted log of one wave to cells and careers.

    The wave sees the rows of its own and of earlier waves (by name) up to its log's end (inclusive). Its window is the
    ``took_part_days`` before that end (exclusive at the far side). A row that arrives again in another file (same member,
    activity, organiser, start) is one time. A joint activity counts for each organiser; an activity's organisers are those
    that any row of it names, in any part of that wave. Two rows of one activity with different starts are two times of one
    activity (a series). Rows in ``again`` are as if they were not there.

    Parameters
    ----------
    parts : sequence of LogPart
        Of all waves, in any order; those of later waves are not read.
    wave : str
        The wave.
    again : mapping
        {(wave, file): rows that an earlier part has brought}, from `repeated`.
    took_part_days : int or None
        Length of the window in days, above 0. None: everything up to the end.
    log_end : Timestamp or None
        The last instant that the wave's log covers, local. None: the latest start of the wave's rows.
    not_reporting : sequence of str
        Groups that sent no log though asked: they are not ``reported``, also where a joint activity names them.
    not_after : Timestamp or None
        The log ends here at the latest: later rows are plans, or of another wave. None: no limit.
    engine : str or None
        ``duckdb``, ``local[2]`` or ``spark://host:port``; None: what ``WORKBENCH_ENGINE`` says, else ``duckdb``.
    incidence : bool
        Whether to give who was at what, for networks.

    Returns
    -------
    Activity

    Raises
    ------
    ValueError
        For parts that are not what their contract says, an activity without organiser among others that have one, a window
        that is not positive.
    survey.Refused
        Where the engine is not to be had, or memory or disk do not suffice.
    """
    if took_part_days is not None and took_part_days <= 0:
        raise ValueError(f"a window is a number of days above 0 or None, not {took_part_days}")
    seen = until(parts, wave)
    check_parts(seen)
    if not any(part.wave == wave for part in seen):
        return frames.nothing_came(wave, not_reporting, incidence=incidence)
    waves = sorted({part.wave for part in seen})
    with opened(engine, [part.path for part in seen]) as run:
        _read_as_one(run, seen, again, [waves.index(part.wave) for part in seen])
        held = _held(run)
        own = held.of(waves.index(wave))
        if own.empty:
            return frames.nothing_came(wave, not_reporting, incidence=incidence)
        end = own["latest"].max() if log_end is None else pd.Timestamp(log_end)
        end = end if not_after is None else min(end, not_after)
        window = (_opens(end, took_part_days), end)
        return _counted(run, held, wave, waves.index(wave), window, not_reporting, incidence)


def reduce_period(
    parts: Sequence[LogPart],
    period: str,
    *,
    again: Again,
    first: pd.Timestamp,
    closes: pd.Timestamp,
    since: pd.Timestamp,
    not_reporting: Sequence[str],
    engine: str | None = None,
) -> Activity:
    """Reduce the accepted log of a stretch of time, whatever waves its rows arrived with, as `reduce_wave` does a wave.

    A row belongs to the period by its start, to the past where it is earlier. Organisers of an activity are those that any row of
    it names on its side of that line.

    Parameters
    ----------
    parts : sequence of LogPart
        All parts, in any order.
    period : str
        What stands in the column of waves.
    again : mapping
        As in `reduce_wave`.
    first, closes : Timestamp
        First and last instant of the period, local.
    since : Timestamp
        Rows before it, and after the period, are as if they were not there: ``joined`` is the first time since then.
    not_reporting : sequence of str
        As in `reduce_wave`.
    engine : str or None
        As in `reduce_wave`.

    Returns
    -------
    Activity
        Without incidence.

    Raises
    ------
    ValueError
        For parts that are not what their contract says, an activity without organiser among others that have one, instants
        that are not in the order since, first, closes.
    survey.Refused
        Where the engine is not to be had, or memory or disk do not suffice.
    """
    if not since <= first <= closes:
        raise ValueError(f"since, first and closes must follow each other, not {since}, {first}, {closes}")
    seen = sorted(parts, key=lambda part: part.name)
    check_parts(seen)
    if not seen:
        return frames.nothing_came(period, not_reporting, incidence=False)
    opens = first - _INSTANT
    with opened(engine, [part.path for part in seen]) as run:
        by_time = f"CASE WHEN p.start > {_moment(opens)} THEN 1 ELSE 0 END"
        _read_as_one(run, seen, again, [by_time] * len(seen), (_moment(since - _INSTANT), _moment(closes)))
        held = _held(run)
        if held.of(1).empty:
            return frames.nothing_came(period, not_reporting, incidence=False)
        return _counted(run, held, period, 1, (opens, closes), not_reporting, incidence=False)


def _opens(end: pd.Timestamp, days: int | None) -> pd.Timestamp:
    return LONG_AGO if days is None else end - pd.Timedelta(days=days)


def _read_as_one(
    run: Engine,
    parts: Sequence[LogPart],
    again: Again,
    waves: Sequence[str | int],
    within: tuple[str, str] | None = None,
) -> None:
    """Let the engine know all parts as `log`."""
    for number, part in enumerate(parts):
        run.file(f"part_{number}", part.path)
    repeats = again_table(parts, again)
    if len(repeats):
        run.table("again", repeats)
    run.view("log", as_one(waves, set(repeats["part"].unique().to_pylist()), within=within))


def _held(run: Engine) -> _Held:
    """Find every activity's organisers and number both; let the engine know."""
    found = run.fetch(steps.ACTIVITIES).to_pandas()
    named = found[["wave_no", "activity", "groups"]].assign(group=found["groups"].str.split(BETWEEN)).explode("group")
    named = named.loc[named["group"] != "", ["wave_no", "activity", "group"]].drop_duplicates()
    activities, groups = (pd.Index(sorted(set(f)), dtype="str") for f in (found["activity"], named["group"]))
    held = found[["wave_no", "activity"]].drop_duplicates().merge(named, how="left", on=["wave_no", "activity"])
    if len(groups) and held["group"].isna().any():
        alone = int(held["group"].isna().sum())
        raise ValueError(f"{alone} activities of the log have no organiser: name one each, or set their rows aside")
    numbers = {
        "activity_no": activities.get_indexer(held["activity"]),
        "organiser_no": groups.get_indexer(held["group"]),
        "joint": held.duplicated(["wave_no", "activity"], keep=False).astype("int32"),
    }
    held = held.assign(**numbers).astype(dict.fromkeys(("wave_no", "activity_no", "organiser_no"), "int32"))
    run.table("held", pa.Table.from_pandas(held.drop(columns="group"), preserve_index=False))
    return _Held(found, held, {"activity": activities, "group": groups})


def _counted(
    run: Engine,
    held: _Held,
    wave: str,
    number: int,
    window: tuple[pd.Timestamp, pd.Timestamp],
    silent: Sequence[str],
    incidence: bool,
) -> Activity:
    bounds = {"opens": _moment(window[0]), "closes": _moment(window[1]), "own": number, "ratings": RATINGS}
    _step(run, steps.ROWS, bounds)
    names = {**held.names, **{name: _in_order(run, name) for name in ("member", "region", "channel")}}
    cells = frames.cells_frame(wave, run.fetch(steps.CELLS), run.fetch(steps.NEWCOMERS), names)
    run.forget("taken")
    _step(run, steps.LIVES, bounds)
    own = [table[table["wave_no"] == number] for table in (held.activities, held.organisers)]
    met = run.fetch(steps.INCIDENCE.format(**bounds)) if incidence else None
    return Activity(
        cells,
        frames.careers_frame(wave, run.fetch(steps.CAREERS), names),
        frames.observed_frame(wave, own[0], own[1], names, window[1], silent),
        frames.tally_frame(wave, run.fetch(steps.LEFT_OUT.format(**bounds))),
        None if met is None else frames.incidence_table(wave, met, names),
    )


def _step(run: Engine, queries: Sequence[tuple[str, str]], bounds: dict[str, object]) -> None:
    for name, query in queries:
        run.step(name, query.format(**bounds))


def _moment(time: pd.Timestamp) -> str:
    return f"TIMESTAMP '{time.year:04d}-{time:%m-%d %H:%M:%S.%f}'"


def _in_order(run: Engine, name: str) -> pd.Index:
    """Give the names whose place in the order is their number."""
    found = run.fetch(f"SELECT {name}, {name}_no FROM {name}s").sort_by(f"{name}_no")
    return pd.Index(found[name].to_pandas(), dtype="str")
