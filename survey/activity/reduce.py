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
BETWEEN = ";"  # stands between the organisers of a joint activity


@dataclass(frozen=True, slots=True)
class _Held:
    """Who holds what: the activities as their rows tell of them, and a row an activity and organiser."""

    activities: pd.DataFrame
    organisers: pd.DataFrame
    names: dict[str, pd.Index]


def reduce_wave(
    parts: Sequence[LogPart],
    wave: str,
    *,
    again: Again,
    took_part_days: int | None,
    log_end: pd.Timestamp | None,
    not_reporting: Sequence[str],
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
    with opened(engine, [part.path for part in seen]) as run:
        waves = _read_as_one(run, seen, again)
        held = _held(run, waves)
        own = held.activities[held.activities["wave_no"] == waves.index(wave)]
        if own.empty:
            return frames.nothing_came(wave, not_reporting, incidence=incidence)
        end = own["latest"].max() if log_end is None else pd.Timestamp(log_end)
        return _counted(
            run, held, wave, waves.index(wave), (_opens(end, took_part_days), end), not_reporting, incidence
        )


def _opens(end: pd.Timestamp, days: int | None) -> pd.Timestamp:
    return LONG_AGO if days is None else end - pd.Timedelta(days=days)


def _read_as_one(run: Engine, parts: Sequence[LogPart], again: Again) -> list[str]:
    """Let the engine know all parts as `log`; give the waves in the order of their numbers."""
    for number, part in enumerate(parts):
        run.file(f"part_{number}", part.path)
    repeats = again_table(parts, again)
    if len(repeats):
        run.table("again", repeats)
    waves = sorted({part.wave for part in parts})
    run.view("log", as_one(parts, waves, set(repeats["part"].unique().to_pylist())))
    return waves


def _held(run: Engine, waves: Sequence[str]) -> _Held:
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
    }
    held = held.assign(**numbers).astype({"wave_no": "int32", "activity_no": "int32", "organiser_no": "int32"})
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
