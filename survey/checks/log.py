"""A file of the activity log: one row one person at one activity.

A log may have tens of millions of rows: every column is kept as the different texts that it has and the place of each cell's
text (category), and what is asked of a text is asked once.
"""

from __future__ import annotations

import math
import unicodedata

import numpy as np
import pandas as pd

from survey.activity import BETWEEN
from survey.care import MIX
from survey.checks import cells
from survey.checks.accepted import Accepted, Book, first_of_each
from survey.checks.memberships import Roll
from survey.checks.open_file import open_file
from survey.checks.times import DAY, LONG_AFTER, times
from survey.checks.units import known_groups, known_regions, set_aside_unknown
from survey.identity import Key
from survey.schema import PARTS, FileEntry
from survey.study import Study, Wave

TEXTS = ("channel", "response", "service")


def check_log(study: Study, wave: Wave, entry: FileEntry, key: Key, roll: Roll | None = None) -> Accepted:
    """Check a file of the log.

    Parameters
    ----------
    study, wave, entry, key
        As for every file.
    roll : Roll or None
        Memberships to compare with; None: the study has no list of them.

    Returns
    -------
    Accepted
        ``.frame``, text as category: ``member`` (log side), ``activity``, ``groups`` (codes of the organisers in their order,
        joined by ``;``; empty where the study has no groups), ``region``, ``start``, ``end`` (datetime64[us], local),
        ``channel``, ``response``, ``role`` (one of `survey.schema.PARTS`), ``service``, ``rating`` (float), ``took_part``
        (boolean; missing where nobody of an activity is said to have come: then attendance was not recorded). Rows that do not
        mean taking part stay.
    """
    opened = open_file(study, wave, entry)
    frame, separator, book = opened.frame, opened.separator, opened.book
    del opened  # of what may be ten million rows no copy is held longer than it is needed
    _set_aside_unnamed(frame, entry, book)
    frame = book.left(frame)
    groups = _organisers(study, frame, separator, book)
    region = _regions(study, wave, frame, book)
    frame = frame.assign(groups=groups, region=region)
    start, end = _times(study, entry, frame, book)
    book.set_aside(frame.index[start.isna()], "no_time")
    book.set_aside(frame.index[end < start], "ends_before_start")
    book.set_aside(frame.index[start >= pd.Timestamp(wave.settings.fieldwork.end) + LONG_AFTER], "after_the_wave")
    kept = book.is_left(frame.index)
    frame, start, end = (frame, start, end) if kept.all() else (frame[kept], start[kept], end[kept])
    out = _columns(entry, frame, key, book).assign(start=start, end=end)
    del frame, start, end, groups, region
    if roll is not None:
        _compare(out, roll, book)
        out = book.left(out)
    _doubt(out, book)
    return book.close(out)


def _set_aside_unnamed(frame: pd.DataFrame, entry: FileEntry, book: Book) -> None:
    book.set_aside(frame.index[frame["member"] == ""], "no_member")
    book.set_aside(frame.index[frame["activity"] == ""], "no_activity")
    left = book.left(frame)
    book.set_aside(left.index[first_of_each(left[list(entry.key or ("activity", "member"))])], "duplicate")


def _organisers(study: Study, frame: pd.DataFrame, separator: str, book: Book) -> pd.Series:
    """Codes of the groups that each row names; a name that is not known beside known ones is counted and left out."""
    if study.settings.groups is None or "group" not in frame:
        return _nothing(frame.index, "")
    texts = pd.Series(frame["group"].cat.categories, dtype="str")
    parts = texts.str.split(unicodedata.normalize("NFKC", separator), regex=False).explode().str.strip()
    codes = known_groups(study, parts)
    named = [BETWEEN.join(sorted(set(found.dropna()))) for _, found in codes.groupby(level=0)]
    groups = cells.rewritten(frame["group"], lambda _: pd.Series(named, dtype="str"))
    partly = codes.isna().groupby(level=0).any().to_numpy()[frame["group"].cat.codes.to_numpy()]
    book.count_cells("unknown_label", "group", (groups != "") & partly)
    set_aside_unknown(study, "group", frame["group"], groups == "", book)
    return groups


def _regions(study: Study, wave: Wave, frame: pd.DataFrame, book: Book) -> pd.Series:
    if "region" not in frame:
        return _nothing(frame.index, None)
    named = [frame[role] for role in ("region", "within") if role in frame]
    pair = pd.factorize(named[0].cat.codes.to_numpy(np.int64) + (named[-1].cat.codes.to_numpy(np.int64) << 32))[0]
    first = ~pd.Series(pair).duplicated().to_numpy()  # each pair of names is read once
    read, codes = pd.factorize(known_regions(study, wave, *(column[first].astype("str") for column in named)))
    known = pd.Categorical.from_codes(read.astype(np.int32)[pair], pd.Index(codes, dtype="str"))
    region = pd.Series(known, index=frame.index)
    set_aside_unknown(study, "region", frame["region"], region.isna(), book, frame.get("within"))
    return region


def _nothing(index: pd.Index, text: str | None) -> pd.Series:
    """A column of category that says the same in every row, or nothing."""
    code, known = (-1, []) if text is None else (0, [text])
    return pd.Series(
        pd.Categorical.from_codes(np.full(len(index), code, np.int8), pd.Index(known, dtype="str")), index=index
    )


def _times(study: Study, entry: FileEntry, frame: pd.DataFrame, book: Book) -> tuple[pd.Series, pd.Series]:
    start, met = times(frame["start"], entry.layout.times, study.settings.time_zone)
    book.count_all(
        "start", {"default_time": met["default_time"]}
    )  # a row without a beginning is set aside with its reason
    if "end" not in frame:
        return start, pd.Series(pd.NaT, index=frame.index, dtype="datetime64[us]")
    end, met = times(frame["end"], entry.layout.times, study.settings.time_zone)
    book.count_all("end", met)
    return start, end


def _columns(entry: FileEntry, frame: pd.DataFrame, key: Key, book: Book) -> pd.DataFrame:
    columns = {
        "member": cells.rewritten(frame["member"], lambda texts: key.pseudonyms(texts, "log")),
        **{name: frame[name] for name in ("activity", "groups", "region")},
        **{name: _filled(frame[name]) if name in frame else _nothing(frame.index, None) for name in TEXTS},
        "role": _parts(frame, book),
        "rating": _ratings(entry, frame, book),
        "took_part": _took_part(entry, frame, book),
    }
    return pd.DataFrame(columns, index=frame.index)


def _filled(column: pd.Series) -> pd.Series:
    """An empty cell is a missing one."""
    return cells.rewritten(column, lambda texts: texts.where(texts != ""))


def _parts(frame: pd.DataFrame, book: Book) -> pd.Series:
    """What each person did; a word that is none of `PARTS` is counted."""
    if "role" not in frame:
        return _nothing(frame.index, None)
    role = cells.rewritten(frame["role"], lambda texts: texts.str.casefold().where(texts.str.casefold().isin(PARTS)))
    book.judge("role", frame["role"], {"unknown_label": role.isna() & (frame["role"] != "")})
    return role


def _ratings(entry: FileEntry, frame: pd.DataFrame, book: Book) -> pd.Series:
    if "rating" not in frame:
        return pd.Series(math.nan, index=frame.index)
    values = cells.numbers(frame["rating"], entry.layout)
    values, met = cells.within(frame["rating"], values, -math.inf, math.inf)
    book.judge("rating", frame["rating"], met)
    return values


def _took_part(entry: FileEntry, frame: pd.DataFrame, book: Book) -> pd.Series:
    """Whether a row means taking part; nobody knows where no row of its activity does: attendance was not recorded there."""
    took = np.ones(len(frame), bool)
    for role, values in entry.took_part.items():
        took &= frame[role].isin(values).to_numpy()
    activity = frame["activity"].cat.codes.to_numpy()
    recorded = np.bincount(activity, weights=took, minlength=len(frame["activity"].cat.categories)) > 0
    unknown = ~recorded[activity]
    book.note("attendance_not_recorded", int(unknown.sum()))
    return pd.Series(pd.arrays.BooleanArray(took, unknown), index=frame.index)


def _compare(frame: pd.DataFrame, roll: Roll, book: Book) -> None:
    """Rows against the list of members: before joining and after leaving is set aside; who is not on it is taken note of."""
    outside = roll.outside(frame["member"], frame["groups"], frame["start"])
    book.set_aside(frame.index[outside], "outside_membership")
    book.note("not_on_the_roll", int((~roll.knows(frame["member"]) & ~outside).sum()))


def _doubt(frame: pd.DataFrame, book: Book) -> None:
    """Take note of who stayed longer than a day, was at two activities at once, or stands there twice under two numbers."""
    book.note("longer_than_a_day", int((frame["end"] - frame["start"] > DAY).sum()))
    known = frame[frame["took_part"].fillna(False) & frame["end"].notna()].sort_values(
        ["member", "start"], kind="stable"
    )
    before = known.groupby("member", observed=True)
    overlaps = (known["start"] < before["end"].shift()) & (known["activity"].cat.codes != _codes_before(known))
    book.note("two_places_at_once", int(overlaps.sum()))
    book.note("near_duplicate", _near_duplicates(frame))


def _near_duplicates(frame: pd.DataFrame) -> int:
    """Rows with a time of day whose member, organisers and minute stand in another row already; counted by hashes of 64 bits."""
    start = frame["start"].to_numpy().astype(np.int64)
    on_the_clock = start % (DAY // pd.Timedelta(microseconds=1)) != 0
    signs = start[on_the_clock].astype(np.uint64)
    for column in ("member", "groups"):
        signs = signs * MIX + frame[column].cat.codes.to_numpy()[on_the_clock].astype(np.uint64)
    signs.sort()
    return int((signs[1:] == signs[:-1]).sum())


def _codes_before(known: pd.DataFrame) -> pd.Series:
    return known["activity"].cat.codes.groupby(known["member"], observed=True).shift()
