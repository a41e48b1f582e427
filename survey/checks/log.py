"""A file of the activity log: one row one person at one activity."""

from __future__ import annotations

import unicodedata

import pandas as pd

from survey.checks.accepted import Accepted, Book, first_of_each
from survey.checks.open_file import open_file
from survey.checks.times import LONG_AFTER, times
from survey.checks.units import known_groups, known_regions, set_aside_unknown
from survey.identity import Key
from survey.schema import FileEntry
from survey.study import Study, Wave


def check_log(study: Study, wave: Wave, entry: FileEntry, key: Key) -> Accepted:
    """Check a file of the log.

    Returns
    -------
    Accepted
        ``.frame``: ``member`` (log side), ``activity``, ``groups`` (codes of the organisers as a tuple; empty where the
        study has no groups), ``region``, ``start``, ``end``, ``channel``, ``response``, ``took_part`` (bool). Rows that do not mean
        taking part stay in it.
    """
    opened = open_file(study, wave, entry)
    frame, book = opened.frame, opened.book
    _set_aside(frame, book, entry, study)
    frame = book.left(frame)
    groups = _organisers(study, frame, opened.separator, book)
    region = known_regions(study, wave, frame["region"], frame.get("within")) if "region" in frame else None
    if "group" in frame:
        set_aside_unknown(study, "group", frame["group"], groups.map(len) == 0, book)
    if region is not None:
        set_aside_unknown(study, "region", frame["region"], region.isna(), book, frame.get("within"))
    out = _columns(study, entry, frame, key, book).assign(groups=groups, region=region)
    book.set_aside(out.index[out["start"].isna()], "no_time")
    book.set_aside(out.index[out["end"] < out["start"]], "ends_before_start")
    book.set_aside(out.index[out["start"] >= pd.Timestamp(wave.settings.fieldwork.end) + LONG_AFTER], "after_the_wave")
    out = book.left(out)
    _doubt_times(out, book)
    return book.close(out)


def _set_aside(frame: pd.DataFrame, book: Book, entry: FileEntry, study: Study) -> None:
    book.set_aside(frame.index[frame["member"] == ""], "no_member")
    book.set_aside(frame.index[frame["activity"] == ""], "no_activity")
    keys = list(entry.key or ("activity", "member"))
    left = book.left(frame)
    book.set_aside(left.index[first_of_each(left[keys])], "duplicate")


def _organisers(study: Study, frame: pd.DataFrame, separator: str, book: Book) -> pd.Series:
    """Codes of the groups that each row names; a name that is not known beside known ones is counted and left out."""
    if study.settings.groups is None or "group" not in frame:
        return pd.Series([()] * len(frame), index=frame.index, dtype=object)
    distinct = pd.Series(frame["group"].unique(), dtype="str")
    separator = unicodedata.normalize("NFKC", separator)
    parts = distinct.str.split(separator, regex=False).explode().str.strip()
    codes = known_groups(study, parts)
    named = {
        cell: tuple(sorted(set(found.dropna())))
        for cell, (_, found) in zip(distinct, codes.groupby(level=0), strict=True)
    }
    groups = frame["group"].map(named)
    partly = {cell for cell, unknown in zip(distinct, codes.isna().groupby(level=0).any(), strict=True) if unknown}
    book.count_cells("unknown_label", "group", frame["group"].isin(partly) & (groups.map(len) > 0))
    return groups


def _columns(study: Study, entry: FileEntry, frame: pd.DataFrame, key: Key, book: Book) -> pd.DataFrame:
    out = pd.DataFrame(index=frame.index)
    out["member"] = key.pseudonyms(frame["member"], "log")
    out["activity"] = frame["activity"]
    for role in ("start", "end"):
        column = frame.get(role, pd.Series("", index=frame.index, dtype="str"))
        out[role], met = times(column, entry.layout.times, study.settings.time_zone)
        # a row without a beginning is set aside and has its reason
        book.count_all(role, {rule: hit for rule, hit in met.items() if role == "end" or rule == "default_time"})
    for role in ("channel", "response"):
        out[role] = (
            frame[role].where(frame[role] != "") if role in frame else pd.Series(pd.NA, index=frame.index, dtype="str")
        )
    out["took_part"] = _took_part(entry, frame)
    return out


def _doubt_times(frame: pd.DataFrame, book: Book) -> None:
    """Take note of who is said to have stayed longer than a day, or to have begun one activity before another had ended."""
    book.note("longer_than_a_day", int((frame["end"] - frame["start"] > pd.Timedelta(days=1)).sum()))
    known = frame[frame["took_part"] & frame["end"].notna()].sort_values(["member", "start"], kind="stable")
    before = known.groupby("member")
    overlaps = (known["start"] < before["end"].shift()) & (known["activity"] != before["activity"].shift())
    book.note("two_places_at_once", int(overlaps.sum()))


def _took_part(entry: FileEntry, frame: pd.DataFrame) -> pd.Series:
    took = pd.Series(True, index=frame.index)
    for role, values in entry.took_part.items():
        took &= frame[role].isin(values)
    return took
