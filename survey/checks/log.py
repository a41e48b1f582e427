"""A file of the activity log: one row one person at one activity."""

from __future__ import annotations

import unicodedata

import pandas as pd

from survey.checks import cells
from survey.checks.accepted import Accepted, Book, first_of_each
from survey.checks.open_file import open_file
from survey.checks.units import known_groups, known_regions
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
    opened = open_file(wave, entry)
    frame, book = opened.frame, opened.book
    _set_aside(frame, book, entry, study)
    frame = book.left(frame)
    groups = _organisers(study, frame, opened.separator, book)
    region = known_regions(study, wave, frame["region"]) if "region" in frame else None
    if "group" in frame and study.settings.groups is not None:
        book.set_aside(groups.index[groups.map(len) == 0], "unknown_group")
    if region is not None and not study.places.empty:
        book.set_aside(region.index[region.isna()], "unknown_region")
    out = _columns(study, entry, frame, key).assign(groups=groups, region=region)
    book.set_aside(out.index[out["start"].isna()], "no_time")
    if "end" in frame:
        book.count_cells("not_a_time", out["end"].isna() & (frame["end"] != ""))
    return book.close(book.left(out), study.settings.rules, wave.settings.decisions)


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
    book.count_cells("unknown_label", frame["group"].isin(partly) & (groups.map(len) > 0))
    return groups


def _columns(study: Study, entry: FileEntry, frame: pd.DataFrame, key: Key) -> pd.DataFrame:
    out = pd.DataFrame(index=frame.index)
    out["member"] = key.pseudonyms(frame["member"], "log")
    out["activity"] = frame["activity"]
    for role in ("start", "end"):
        column = frame.get(role, pd.Series("", index=frame.index, dtype="str"))
        out[role] = cells.times(column, entry.layout.times, study.settings.time_zone)
    for role in ("channel", "response"):
        out[role] = (
            frame[role].where(frame[role] != "") if role in frame else pd.Series(pd.NA, index=frame.index, dtype="str")
        )
    out["took_part"] = _took_part(entry, frame)
    return out


def _took_part(entry: FileEntry, frame: pd.DataFrame) -> pd.Series:
    took = pd.Series(True, index=frame.index)
    for role, values in entry.took_part.items():
        took &= frame[role].isin(values)
    return took
