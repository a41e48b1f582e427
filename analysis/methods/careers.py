"""Careers as steps on a way: of each member with an organisation, which steps were taken and which the log could have seen.

Source: `careers` of one or several waves (a row a wave, member and organisation) and the windows in which the log saw them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.methods.career_counts import repeated
from analysis.methods.counts import among, keyed, require
from analysis.tidy import ALL

STEPS = ("returned", "stayed", "volunteered")  # what those who took part may do next
UNIT = ["wave", "member", "group"]
NEVER = np.iinfo(np.int64).min  # what a missing time is in microseconds
Ints = NDArray[np.int64]
_KEPT = ("member", "first", "second", "last", "count", "volunteered", "channel")


def lay_out(
    careers: pd.DataFrame,
    observed: pd.DataFrame | None,
    columns: Mapping[str, str | None],
    silent: pd.MultiIndex,
    *,
    returned_days: int | None,
    window_days: int | None,
) -> pd.DataFrame:
    """Key the careers and say of each step whether it was taken and whether the log could have seen it.

    Parameters
    ----------
    careers : DataFrame
        ``member`` and the columns named; ``second`` or ``count`` for returned, ``last`` and a column of waves for stayed,
        ``volunteered`` for volunteered.
    observed : DataFrame or None
        ``organisation, end, reported`` and the wave's column; ``roles`` (bool) where it is known whether roles were recorded.
    columns : mapping
        ``wave, group, region`` to the frame's columns, or None.
    silent : MultiIndex
        ``wave, group`` of organisations whose log is not there.
    returned_days : int or None
        Days after the first time within which a second one counts.
    window_days : int or None
        Length of a wave's window; None: no limit, or not known.

    Returns
    -------
    DataFrame
        ``wave, group, region`` (text, ``*`` for missing), the columns kept, and of each step that is measured three bools:
        its name (taken, and the log could see it), ``..._followed`` (the log could see it) and ``..._mute`` (it could not,
        because it was not recorded or its organisation did not report).

    Raises
    ------
    ValueError
        For several rows of one wave, member and group.
    """
    people = keyed(careers, columns, [c for c in _KEPT if c in careers])
    if repeated(people).any():
        extra = int(people.duplicated(UNIT).sum())
        raise ValueError(
            f"the careers frame has {extra} too many rows: one row a wave, member and group is needed;"
            " name its columns of waves and groups (wave=, group=), and take away rows that are there twice"
        )
    ends = ends_of(observed, columns["wave"])
    people["end"] = people["wave"].map(ends).astype("datetime64[us]")
    _returned(people, returned_days)
    if columns["wave"] is not None:
        _stayed(people, ends, silent, window_days)
    if "volunteered" in people:
        _volunteered(people, observed, columns["wave"])
    return people


def measured(people: pd.DataFrame) -> list[str]:
    """The steps that the columns of the frame can tell."""
    return [s for s in STEPS if f"{s}_followed" in people]


def ends_of(observed: pd.DataFrame | None, wave: str | None) -> dict[str, pd.Timestamp]:
    """The end of each wave's log."""
    if observed is None:
        return {}
    require("observed", observed, ["end", wave])
    ends = keyed(observed, {"wave": wave}, ["end"]).groupby("wave")["end"].max().dropna()
    return {str(w): t for w, t in ends.items()}


def _mark(people: pd.DataFrame, step: str, taken: pd.Series, followed: pd.Series, mute: pd.Series) -> None:
    people[step], people[f"{step}_followed"], people[f"{step}_mute"] = taken & followed, followed, mute & ~followed


def _returned(people: pd.DataFrame, days: int | None) -> None:
    nobody = pd.Series(False, index=people.index)
    if "second" not in people:
        _mark(people, "returned", people["count"] > 1, ~nobody, nobody)
        return
    untimed = people["first"].isna() if "first" in people else nobody
    again = people["count"] > 1 if "count" in people else nobody
    within, followed = people["second"].notna() | (untimed & again), ~nobody  # a list tells how often, not when
    if days is not None:
        limit = pd.Timedelta(days=days)
        followed = people["end"] - people["first"] >= limit
        within = within & (people["second"] - people["first"] <= limit)
    _mark(people, "returned", within, followed, nobody)


def _stayed(
    people: pd.DataFrame, ends: Mapping[str, pd.Timestamp], silent: pd.MultiIndex, window_days: int | None
) -> None:
    """Active with the same organisation in the first later window that begins when this one is over."""
    came, known, mute = in_next_window(people, people, ends, silent, window_days)
    _mark(people, "stayed", came, known, mute)


def in_next_window(
    asked: pd.DataFrame,
    people: pd.DataFrame,
    ends: Mapping[str, pd.Timestamp],
    silent: pd.MultiIndex,
    window_days: int | None,
) -> tuple[pd.Series, pd.Series, pd.Series]:
    """Who comes to the same organisation in the next window: the first later one that does not reach back into a wave's own.

    Parameters
    ----------
    asked : DataFrame
        ``wave, member, group``, those whose next window is asked for, also such as are not in `people`.
    people : DataFrame
        Careers of all waves, ``wave, member, group``, and ``last`` where known.
    ends : mapping
        The end of each wave's log (`ends_of`); those not known are missing.
    silent : MultiIndex
        ``wave, group`` of organisations whose log is not there.
    window_days : int or None
        Length of a window; None: no limit, or not known.

    Returns
    -------
    three Series of bool
        On the index of `asked`: came; there is a next window and the organisation reported then; it did not report.
    """
    (wave, waves), (wave_asked, waves_asked) = (pd.factorize(f["wave"]) for f in (people, asked))
    later = next_windows({*waves, *waves_asked, *ends}, ends, window_days)
    place = {w: k for k, w in enumerate(waves)}
    # a later wave in which nobody at all is seen is a window too; nobody is in it
    following = np.array([place.get(later.get(w, ""), -1) for w in waves_asked], np.int64)[wave_asked]
    known = np.array([w in later for w in waves_asked], bool)[wave_asked]
    who, who_asked = _same_names(people, asked, [c for c in ("member", "group") if c in people])
    last = np.maximum(_instants(people["last"]), NEVER + 1) if "last" in people else np.zeros(len(people), np.int64)
    latest = _latest(who * len(waves) + wave, last, np.where(following < 0, -1, who_asked * len(waves) + following))
    came = latest > NEVER
    if "last" in people and ends:
        # windows without limit hold the earlier times too: only what came after counts
        over = _instants(pd.Series([ends.get(w) for w in waves_asked], dtype="datetime64[us]"))[wave_asked]
        came &= (latest > over) | (over == NEVER)
    then = asked[["group"]].assign(
        wave=pd.Series([later.get(w, "") for w in waves_asked], dtype="str").array[wave_asked]
    )
    mute = known & among(then, silent).to_numpy()
    index = asked.index
    return pd.Series(came, index), pd.Series(known & ~mute, index), pd.Series(mute, index)


def _same_names(people: pd.DataFrame, asked: pd.DataFrame, columns: list[str]) -> tuple[Ints, Ints]:
    """Number what stands in the columns of both frames, alike in both."""
    both = people if people is asked else pd.concat([people[columns], asked[columns]], ignore_index=True)
    numbers = np.zeros(len(both), np.int64)
    for column in columns:
        codes, values = pd.factorize(both[column])  # a missing one is -1, and no number of others
        numbers = numbers * len(values) + codes
    return numbers[: len(people)], numbers if people is asked else numbers[len(people) :]


def _latest(keys: Ints, last: Ints, asked: Ints) -> Ints:
    """The latest instant of each key that is asked for; `NEVER` where the key is not there."""
    order = np.argsort(keys, kind="stable")
    starts = np.flatnonzero(np.diff(keys[order], prepend=-1))
    there, latest = keys[order][starts], np.maximum.reduceat(last[order], starts) if len(keys) else last
    if not len(there):
        return np.full(len(asked), NEVER)
    at = np.minimum(np.searchsorted(there, asked), len(there) - 1)
    return np.where(there[at] == asked, latest[at], NEVER)


def _instants(times: pd.Series) -> Ints:
    """Microseconds; missing ones are the earliest there is."""
    return times.to_numpy("datetime64[us]").astype(np.int64)


def next_windows(waves: Iterable[str], ends: Mapping[str, pd.Timestamp], days: int | None) -> dict[str, str]:
    """Of each wave the first later one whose window does not reach back into it."""
    found, ordered = {}, sorted(set(waves))
    for place, wave in enumerate(ordered):
        for later in ordered[place + 1 :]:
            known = wave in ends and later in ends and days is not None
            if not known or ends[later] - pd.Timedelta(days=float(days or 0)) >= ends[wave]:
                found[wave] = later
                break
    return found


def _volunteered(people: pd.DataFrame, observed: pd.DataFrame | None, wave: str | None) -> None:
    recorded = people["volunteered"].notna()
    if observed is not None and "roles" in observed:
        told = keyed(observed, {"wave": wave, "group": "organisation"}, ["roles"])
        heard = pd.MultiIndex.from_frame(told.loc[told["roles"].astype(bool), ["wave", "group"]])
        recorded &= among(people, heard) | ((people["group"] == ALL) & people["wave"].isin(heard.unique("wave")))
    _mark(people, "volunteered", people["volunteered"].fillna(0) > 0, recorded, ~recorded)
