"""A file of memberships: one row a member and an organisation, since when and until when; and what it says of rows of the log."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd

from survey.checks import cells
from survey.checks.accepted import Accepted, Book, first_of_each
from survey.checks.open_file import open_file
from survey.checks.times import DAY, times
from survey.checks.units import settle_units
from survey.identity import Key
from survey.schema import FileEntry
from survey.study import Study, Wave

COLUMNS = ("member", "group", "region", "joined", "left", "times")


def check_memberships(study: Study, wave: Wave, entry: FileEntry, key: Key) -> Accepted:
    """Check a file of memberships.

    Returns
    -------
    Accepted
        ``.frame``: ``member`` (pseudonym of the log), ``group, region``, ``joined, left`` (datetime64[us], missing: since ever,
        until now), ``times`` (float: how often somebody took part, where the file counts that; missing where it does not).

    Raises
    ------
    survey.Refused
        With every rule that the file breaks and what to do.
    """
    opened = open_file(study, wave, entry)
    frame, book = opened.frame, opened.book
    book.set_aside(frame.index[frame["member"] == ""], "no_member")
    frame = book.left(frame)
    keys = list(entry.key or (c for c in ("member", "group", "joined") if c in frame))
    book.set_aside(frame.index[first_of_each(frame[keys])], "duplicate")
    frame = book.left(settle_units(study, wave, book.left(frame), book))
    out = frame[["group", "region"]].assign(member=key.pseudonyms(frame["member"], "log"))
    for role in ("joined", "left"):
        out[role] = _days(study, entry, frame, role, book)
    out["times"] = _how_often(entry, frame, book)
    book.set_aside(out.index[out["left"] < out["joined"]], "ends_before_start")
    return book.close(book.left(out)[list(COLUMNS)])


def _days(study: Study, entry: FileEntry, frame: pd.DataFrame, role: str, book: Book) -> pd.Series:
    if role not in frame:
        return pd.Series(pd.NaT, index=frame.index, dtype="datetime64[us]")
    days, met = times(frame[role], entry.layout.times, study.settings.time_zone)
    book.judge(role, frame[role], met)
    return days


def _how_often(entry: FileEntry, frame: pd.DataFrame, book: Book) -> pd.Series:
    if "times" not in frame:
        return pd.Series(math.nan, index=frame.index)
    values, met = cells.within(frame["times"], cells.numbers(frame["times"], entry.layout), 0, math.inf)
    book.judge("times", frame["times"], met)
    return values


@dataclass(frozen=True, slots=True, eq=False)
class Roll:
    """The memberships of a wave, to compare its log with.

    Attributes
    ----------
    frame : DataFrame
        Accepted memberships (`check_memberships`).
    """

    frame: pd.DataFrame

    def knows(self, member: pd.Series) -> np.ndarray:
        """Tell of each row (category) whether its member has any membership (array of bool)."""
        known = np.zeros(len(member.cat.categories) + 1, bool)
        known[cells.places_in(self.frame["member"], member.cat.categories)] = True
        known[-1] = False  # where those stand who are not in the log
        return known[member.cat.codes.to_numpy()]

    def outside(self, member: pd.Series, groups: pd.Series, start: pd.Series) -> np.ndarray:
        """Tell of each row whether it lies before joining or after leaving.

        Parameters
        ----------
        member, groups : Series of category
            Pseudonym; codes of the organisers joined by ``;``.
        start : Series of datetime64[us]

        Returns
        -------
        array of bool
            True where the member has memberships in organisers of this row, and none of them holds that day (both first and last
            day included). Who has none there is a guest, and not outside.
        """
        ours = pd.Series(groups.cat.categories, dtype="str").str.split(";")
        has, inside = np.zeros(len(member), bool), np.zeros(len(member), bool)
        lists = self.frame.assign(who=cells.places_in(self.frame["member"], member.cat.categories))
        lists = lists[lists["who"] >= 0].sort_values("joined", na_position="first", kind="stable")
        for group, spans in lists.groupby(lists["group"].fillna("")):
            rows = np.flatnonzero(np.array([group in named for named in ours], bool)[groups.cat.codes.to_numpy()])
            who, when = member.cat.codes.to_numpy()[rows], start.to_numpy()[rows]
            for _, nth in spans.groupby(spans.groupby("who").cumcount()):
                first, until = _spans(nth, len(member.cat.categories))
                known = ~np.isnat(until[who])
                has[rows] |= known
                inside[rows] |= known & (when >= first[who]) & (when < until[who])
        return has & ~inside


def _spans(memberships: pd.DataFrame, members: int) -> tuple[np.ndarray, np.ndarray]:
    """First instant, and first instant no more, of one membership a member; not a time where there is none."""
    first, until = (np.full(members, np.datetime64("NaT", "us")) for _ in range(2))
    who = memberships["who"].to_numpy(dtype=np.int64)
    first[who] = memberships["joined"].dt.normalize().fillna(pd.Timestamp(1, 1, 1)).to_numpy()
    until[who] = (memberships["left"].dt.normalize() + DAY).fillna(pd.Timestamp(9999, 12, 31)).to_numpy()
    return first, until
