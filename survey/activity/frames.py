"""What was counted by numbers, written as the tables of a wave, under the names that the numbers stand for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import pyarrow as pa

MILLIONTHS = 1_000_000
NAMED = {"organiser_no": "group", "region_no": "region", "channel_no": "channel", "member_no": "member"}
CELL = ["organiser_no", "region_no", "channel_no", "month_no"]
COUNTS = ("volunteered", "organised", "proposed", "designed")
CELLS = (
    "wave",
    "group",
    "region",
    "channel",
    "month",
    "events",
    "people",
    "first_time",
    "returning",
    "rated",
    "rating",
)
TIMES = {"joined": "joined", "first_time": "first", "second_time": "second", "last_time": "last"}
CAREERS = ("wave", "member", "group", "region", "channel", *TIMES.values(), "count", *COUNTS)
OBSERVED = ("wave", "organisation", "start", "end", "reported", "recorded", "roles", "activities", "joint")
TALLY = ("wave", "reason", "response", "rows")
INCIDENCE = ("wave", "member", "activity")

Names = Mapping[str, pd.Index]


@dataclass(frozen=True, slots=True)
class Activity:
    """The log of one wave, reduced.

    Attributes
    ----------
    cells : DataFrame
        A wave, group, region, channel and month (its first day): ``events`` (distinct activities), ``people``
        (distinct members), ``first_time`` (people whose first time ever with the group is in that month),
        ``returning`` (people who had come before that month), ``rated`` (ratings given) and ``rating`` (their mean, float64,
        each read to a millionth; missing where none); ``people = first_time + returning``. A wave's cells hold the rows that
        arrived with it.
    careers : DataFrame
        A wave, member and group with at least one time in the window: ``region`` and ``channel`` most used in it
        (ties: first by code; missing where never known), ``joined`` (first time in the whole log up to the wave's
        end), ``first, second, last`` and ``count`` of the times in the window, and how many of these were ``volunteered,
        organised, proposed, designed``.
    observed : DataFrame
        A wave and group: ``wave, organisation, start, end, reported, recorded, roles, activities, joint``; start = first row of
        any response in the wave, end = the log's end, both missing where the group did not report; recorded = share of its
        activities up to the log's end of which attendance was recorded (float64 in [0, 1]; missing where there are none);
        roles = whether any of its rows says what somebody did there: where none does, nobody is known to have volunteered, which
        is not that nobody did; activities = how many it held up to the log's end, joint = how many of these others held too
        (float64; missing where it did not report).
    tally : DataFrame
        Rows of the wave that count nowhere: ``wave, reason, response, rows``; reason is the first that holds of ``after_end,
        not_recorded, not_taken_part``.
    incidence : Table or None
        Arrow: ``wave, member, activity`` (dictionaries), one row a member and an activity in the window; the one table that is
        for networks. None where it was not asked for.
    """

    cells: pd.DataFrame
    careers: pd.DataFrame
    observed: pd.DataFrame
    tally: pd.DataFrame
    incidence: pa.Table | None

    def __repr__(self) -> str:
        waves = list(self.observed["wave"].unique())
        return f"Activity(waves {waves}; {len(self.cells)} cells, {len(self.careers)} careers)"


def cells_frame(wave: str, counted: pa.Table, newcomers: pa.Table, names: Names) -> pd.DataFrame:
    """Put the cells and those who came to them for the first time together."""
    both = counted.to_pandas().merge(newcomers.to_pandas(), how="left", on=CELL).sort_values(CELL, ignore_index=True)
    both["first_time"] = both["first_time"].fillna(0).astype("int64")
    both["returning"] = both["people"] - both["first_time"]
    both["month"] = _first_days(both["month_no"])
    rated = both["rated"].to_numpy()
    both["rating"] = np.where(rated > 0, both["ratings"] / (MILLIONTHS * np.maximum(rated, 1)), np.nan)
    return _named(both, wave, names)[list(CELLS)]


def careers_frame(wave: str, counted: pa.Table, names: Names) -> pd.DataFrame:
    """Give the careers, which come by member and organiser, their names."""
    frame = counted.to_pandas(self_destruct=True, split_blocks=True)
    return _named(frame, wave, names).rename(columns={**TIMES, "times": "count"})[list(CAREERS)]


def _first_days(months: pd.Series) -> pd.Series:
    since_1970 = months.to_numpy(dtype=np.int64) - 1970 * 12
    return pd.Series(since_1970.astype("datetime64[M]").astype("datetime64[us]"), index=months.index)


def _named(frame: pd.DataFrame, wave: str, names: Names) -> pd.DataFrame:
    """Put names for numbers; times are datetime64[us], what is left is counted."""
    for number, name in NAMED.items():
        if number in frame:
            values = names[name].append(pd.Index([None], dtype="str"))
            frame[name] = values.take(frame.pop(number).to_numpy())  # -1, the last value, is the missing one
    frame.insert(0, "wave", pd.Series([wave], dtype="str").repeat(len(frame)).to_numpy())
    kinds = {c: "datetime64[us]" for c in frame if frame[c].dtype.kind == "M"}
    kinds |= {c: "int64" for c in frame if frame[c].dtype.kind == "i"}
    return frame.astype({**kinds, "wave": "str"})


def observed_frame(
    wave: str, activities: pd.DataFrame, held: pd.DataFrame, names: Names, end: pd.Timestamp, silent: Sequence[str]
) -> pd.DataFrame:
    """Say of each organiser from when to when the log saw it, and how much of its attendance was recorded.

    Parameters
    ----------
    activities : DataFrame
        Of the wave: ``activity, earliest, recorded, roles``.
    held : DataFrame
        Of the wave: ``activity, organiser_no``, and whether it is ``joint`` (1, 0).
    """
    each = activities.groupby("activity", as_index=False).agg(
        earliest=("earliest", "min"), recorded=("recorded", "max"), roles=("roles", "max")
    )
    held_by_then = each["earliest"] <= end
    each["recorded"] = each["recorded"].astype("float64").where(held_by_then)
    each["activities"] = held_by_then.astype("float64")
    both = held.merge(each, on="activity")
    both["joint"] = both["activities"].where(both["joint"].eq(1), 0.0)
    seen = both.groupby("organiser_no").agg(
        start=("earliest", "min"),
        recorded=("recorded", "mean"),
        roles=("roles", "max"),
        activities=("activities", "sum"),
        joint=("joint", "sum"),
    )
    seen = seen.reset_index()
    organisation = names["group"].append(pd.Index([None], dtype="str")).take(seen["organiser_no"].to_numpy())
    heard = seen.assign(organisation=organisation, end=end, reported=True)
    told = pd.concat([heard[~heard["organisation"].isin(list(silent))], silence(silent)], ignore_index=True)
    return _observed(wave, told)


def silence(silent: Sequence[str]) -> pd.DataFrame:
    """Give the organisers that sent nothing: nothing is known of their activities, which is not that there were none."""
    return pd.DataFrame({"organisation": pd.Series(sorted(set(silent)), dtype="str"), "reported": False})


def add_silent(found: Activity, wave: str, groups: Iterable[str]) -> Activity:
    """Give the same with organisers that the log does not mention as silent ones."""
    unheard = set(groups) - set(found.observed["organisation"].dropna())
    told = pd.concat([found.observed, silence(sorted(unheard))], ignore_index=True) if unheard else found.observed
    return replace(found, observed=_observed(wave, told))


def _observed(wave: str, rows: pd.DataFrame) -> pd.DataFrame:
    rows = rows.reindex(columns=list(OBSERVED)).sort_values("organisation", ignore_index=True)
    rows = rows.assign(wave=wave, roles=rows["roles"].eq(1))
    times = {"start": "datetime64[us]", "end": "datetime64[us]"}
    counts = dict.fromkeys(("recorded", "activities", "joint"), "float64")
    return rows.astype({**times, **counts, "wave": "str", "organisation": "str", "reported": "bool"})


def tally_frame(wave: str, counted: pa.Table) -> pd.DataFrame:
    """Count the rows that count nowhere, by reason and response."""
    rows = counted.to_pandas().rename(columns={"n": "rows"})
    rows = rows.sort_values(["reason", "response"], ignore_index=True).assign(wave=wave)[list(TALLY)]
    return rows.astype({"wave": "str", "reason": "str", "response": "str", "rows": "int64"})


def incidence_table(wave: str, counted: pa.Table, names: Names) -> pa.Table:
    """Give who was at what, by member and activity, each name once in a dictionary."""
    numbers = {c: counted[c].to_numpy() for c in ("member_no", "activity_no")}
    order = np.lexsort([numbers["activity_no"], numbers["member_no"]])
    columns = {
        "wave": _words(np.zeros(len(order), np.int32), pd.Index([wave], dtype="str")),
        "member": _words(numbers["member_no"][order], names["member"]),
        "activity": _words(numbers["activity_no"][order], names["activity"]),
    }
    return pa.table(columns)


def _words(numbers: np.ndarray, names: pd.Index) -> pa.Array:
    words = pa.array(names.to_numpy(dtype=object), pa.string())
    return pa.DictionaryArray.from_arrays(pa.array(numbers, pa.int32()), words)


def nothing_came(wave: str, silent: Sequence[str], *, incidence: bool) -> Activity:
    """Give the tables of a wave without a log."""
    text, time, count = (pd.Series(dtype=kind) for kind in ("str", "datetime64[us]", "int64"))
    kinds = dict.fromkeys(("wave", "member", "group", "region", "channel", "reason", "response"), text)
    kinds |= dict.fromkeys(("month", *TIMES.values()), time) | {"rating": pd.Series(dtype="float64")}
    cells, careers, tally = (
        pd.DataFrame({c: kinds.get(c, count) for c in columns}) for columns in (CELLS, CAREERS, TALLY)
    )
    words = pa.dictionary(pa.int32(), pa.string())
    empty = pa.schema([(column, words) for column in INCIDENCE]).empty_table() if incidence else None
    return Activity(cells, careers, _observed(wave, silence(silent)), tally, empty)
