"""Times as people and programs write them, read to the study's local time; what could be read in two ways is no time."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from survey.checks.cells import Met, numbers

EPOCH = datetime(1970, 1, 1)
# Records may go on after the fieldwork; a year later they are an error. The day on which this is run must not matter.
LONG_AFTER = pd.Timedelta(days=366)
DAY = pd.Timedelta(days=1)
EXCEL_DAY_0 = {"excel": datetime(1899, 12, 30), "excel_1904": datetime(1904, 1, 1)}
# What programs write where they know no time; no survey and no log of a member organisation is of these days.
DEFAULT_DAYS = ("0001-01-01", "1899-12-30", "1899-12-31", "1900-01-01", "1904-01-01", "1970-01-01", "9999-12-31")
_LAST_MS, _LAST_EXCEL_DAY = 253_402_214_400_000, 2_958_465  # the last day of the year 9999
_PARTS = ("year", "month", "day", "hour", "minute", "second")
_CLOCK = r"(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:\.\d+)?)?\s*(?P<zone>Z|[+-]\d{2}:?\d{2})?"
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH = r"(?P<month>(?i:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec))[a-z]{0,6}\.?"


def _form(day: str, gap: str = r"(?:T|\s+)") -> re.Pattern[str]:
    return re.compile(day + rf"(?:{gap}{_CLOCK})?", re.ASCII)


# Only what can be read in one way, whatever the country: the year first, or the month in letters.
_CERTAIN = (
    _form(r"(?P<year>\d{4})(?P<sign>[-/.])(?P<month>\d{1,2})(?P=sign)(?P<day>\d{1,2})"),
    _form(r"(?P<year>\d{4})(?P<month>\d{2})(?P<day>\d{2})"),
    _form(r"(?P<year>\d{4})\s*年\s*(?P<month>\d{1,2})\s*月\s*(?P<day>\d{1,2})\s*日", r"\s*"),
    _form(rf"(?P<day>\d{{1,2}})[ -]{_MONTH}[ -](?P<year>\d{{4}})"),
    _form(rf"{_MONTH} (?P<day>\d{{1,2}}),? (?P<year>\d{{4}})"),
)
_DECLARED = {
    "iso": _CERTAIN,
    "dmy": (*_CERTAIN, _form(r"(?P<day>\d{1,2})(?P<sign>[-/.])(?P<month>\d{1,2})(?P=sign)(?P<year>\d{4})")),
    "mdy": (*_CERTAIN, _form(r"(?P<month>\d{1,2})(?P<sign>[-/.])(?P<day>\d{1,2})(?P=sign)(?P<year>\d{4})")),
}


# No zone and no fraction of a second: `pandas` reads these as `_stamp` would.
_USUAL = r"[12][0-9]{3}-[0-9]{2}-[0-9]{2}(?:[T ][0-9]{2}:[0-9]{2}(?::[0-9]{2})?)?"


def times(column: pd.Series, form: str, zone: str) -> tuple[pd.Series, Met]:
    """Read times to the study's local time (no zone, microseconds).

    Parameters
    ----------
    column : Series of str
        Cleaned cells.
    form : str
        ``layout.times`` of the file: ``iso``, ``dmy``, ``mdy``, ``epoch_s``, ``epoch_ms``, ``excel``, ``excel_1904``.
    zone : str
        IANA name of the study's time zone; times without a zone are in it.

    Returns
    -------
    Series of datetime64[us], Met
        Missing where that fails. Rules: ``not_a_time``; ``default_time`` for a day that programs write where they know none.
    """
    if form in ("epoch_s", "epoch_ms"):
        milliseconds = numbers(column) * (1000 if form == "epoch_s" else 1)
        stamp = _since(EPOCH, milliseconds.where(milliseconds.between(0, _LAST_MS)))
        default = stamp == EPOCH
        found = stamp.dt.tz_localize("UTC").dt.tz_convert(zone).dt.tz_localize(None).astype("datetime64[us]")
    else:
        found = _excel(column, form) if form in EXCEL_DAY_0 else _written(column, form, zone)
        days = pd.Series([np.datetime64(day) for day in DEFAULT_DAYS], dtype="datetime64[us]")
        default = found.dt.normalize().isin(days)
    return found.where(~default), {"not_a_time": found.isna() & (column != ""), "default_time": default}


def _written(column: pd.Series, form: str, zone: str) -> pd.Series:
    """Times in words and signs: the usual form at once, which a log has by the million, every other text by itself."""
    texts = column.astype("category")
    distinct = pd.Series(texts.cat.categories, dtype="str")
    usual = distinct.str.fullmatch(_USUAL)
    stamps = pd.to_datetime(distinct.where(usual), format="ISO8601", errors="coerce").astype("datetime64[us]")
    rest = distinct[stamps.isna()]
    stamps = stamps.fillna(rest.map(_reader(form, zone)).astype("datetime64[us]"))
    return stamps.take(texts.cat.codes.to_numpy()).set_axis(column.index)


def _excel(column: pd.Series, form: str) -> pd.Series:
    """Days since the calendar's beginning, of which there are two."""
    days = numbers(column)
    seconds = (days.where(days.between(1, _LAST_EXCEL_DAY)) * 86400).round()
    return _since(EXCEL_DAY_0[form], seconds * 1000)


def _since(start: datetime, milliseconds: pd.Series) -> pd.Series:
    whole = milliseconds.round().to_numpy(dtype="float64")
    days = np.where(np.isfinite(whole), whole, 0.0).astype("int64").astype("timedelta64[ms]")
    stamps = pd.Series(np.datetime64(start, "ms") + days, index=milliseconds.index).astype("datetime64[us]")
    return stamps.where(milliseconds.notna())


def _reader(form: str, zone: str) -> Callable[[str], datetime | None]:
    local = ZoneInfo(zone)

    def read(value: str) -> datetime | None:
        match = next((m for pattern in _DECLARED[form] if (m := pattern.fullmatch(value))), None)
        return _stamp(match.groupdict(), local) if match else None

    return read


def _stamp(parts: dict[str, str | None], local: ZoneInfo) -> datetime | None:
    month = parts["month"] or ""
    named = {**parts, "month": str(_MONTHS.index(month.lower()) + 1) if month.isalpha() else month}
    try:
        year, number, day, hour, minute, second = (int(named[p] or 0) for p in _PARTS)
        midnight = (hour, minute, second) == (24, 0, 0)  # the end of a day is the beginning of the next one
        stamp = datetime(year, number, day, 0 if midnight else hour, minute, second) + timedelta(days=midnight)
        if parts["zone"]:
            stamp = datetime.fromisoformat(f"{stamp.isoformat()}{parts['zone']}").astimezone(local).replace(tzinfo=None)
    except (ValueError, OverflowError):
        return None
    return stamp
