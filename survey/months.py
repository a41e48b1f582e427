"""Months of the calendar that a page between two waves is about, and the same months of other years."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NoReturn

import pandas as pd

from survey.faults import Fault, Refused

_WRITTEN = re.compile(r"(\d{4})-(\d{2})(?:\.\.(?:(\d{4})-)?(\d{2}))?")
_YEAR = 12
_NAMES = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)


@dataclass(frozen=True, slots=True)
class Months:
    """Months that follow each other.

    Attributes
    ----------
    start, stop : int
        The first month, and the one after the last: years times 12 and the month from 0.
    """

    start: int
    stop: int

    @property
    def name(self) -> str:
        """``2026-07``, ``2026-07..08``, ``2026-12..2027-01``."""
        (year, month), (last_year, last) = _calendar(self.start), _calendar(self.stop - 1)
        if self.stop - self.start == 1:
            return f"{year}-{month:02d}"
        return f"{year}-{month:02d}..{'' if year == last_year else f'{last_year}-'}{last:02d}"

    @property
    def first(self) -> pd.Timestamp:
        """The first instant."""
        return _instant(self.start)

    @property
    def closes(self) -> pd.Timestamp:
        """The last instant, to the microsecond."""
        return _instant(self.stop) - pd.Timedelta(microseconds=1)

    @property
    def days(self) -> int:
        """Number of days."""
        return (_instant(self.stop) - self.first).days

    @property
    def titles(self) -> dict[str, str]:
        """What readers call them, by language."""
        (year, month), (last_year, last) = _calendar(self.start), _calendar(self.stop - 1)
        names = [_NAMES[m - 1] for m in (month, last)]
        if self.stop - self.start == 1:
            return {"en": f"{names[0]} {year}", "zh": f"{year}年{month}月"}
        if year == last_year:
            return {"en": f"{names[0]} to {names[1]} {year}", "zh": f"{year}年{month}—{last}月"}
        return {
            "en": f"{names[0]} {year} to {names[1]} {last_year}",
            "zh": f"{year}年{month}月—{last_year}年{last}月",
        }

    def before(self, years: int) -> Months:
        """Give the same months of an earlier year."""
        return Months(self.start - _YEAR * years, self.stop - _YEAR * years)


def read_months(text: str) -> Months:
    """Read months as they are written on the command line.

    Parameters
    ----------
    text : str
        ``2026-07``, ``2026-07..08`` or ``2026-12..2027-01``; 12 months at most.

    Raises
    ------
    survey.Refused
        For anything else.

    Examples
    --------
    >>> read_months("2026-12..2027-01").days
    62
    """
    found = _WRITTEN.fullmatch(text.strip())
    if found is None:
        _refuse(text)
    year, month, last_year, last = found.groups()
    months = [int(m) for m in (month, last or month)]
    start, end = (_YEAR * int(y) + m - 1 for y, m in zip((year, last_year or year), months, strict=True))
    if not all(1 <= m <= _YEAR for m in months) or not start <= end < start + _YEAR or int(year) < 1:
        _refuse(text)
    return Months(start, end + 1)


def last_full(last: pd.Timestamp, length: int = 2, *, patience: int = 7) -> Months:
    """Give the last months of a log that ends at an instant.

    Its last month counts where the log goes into its last `patience` days, else the month before is the last.
    """
    month = _YEAR * last.year + last.month - 1
    stop = month + 1 if _instant(month + 1) - last <= pd.Timedelta(days=patience) else month
    return Months(stop - length, stop)


def _calendar(month: int) -> tuple[int, int]:
    year, place = divmod(month, _YEAR)
    return year, place + 1


def _instant(month: int) -> pd.Timestamp:
    year, place = _calendar(month)
    return pd.Timestamp(year, place, 1)


def _refuse(text: str) -> NoReturn:
    raise Refused(
        [
            Fault(
                "--period",
                0,
                f"{text!r} names no months: write 2026-07, 2026-07..08 or 2026-12..2027-01, at most twelve months, the earlier "
                "month first",
                f"“{text}”不是月份：请写 2026-07、2026-07..08 或 2026-12..2027-01，最多十二个月，早的月份在前",
            )
        ]
    )
