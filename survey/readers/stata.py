"""Stata files (.dta, Stata 1 to 18): codes as text, with their labels and the extended missing codes .a to .z.

A file begins with ``<stata_dta>`` (formats 117 to 119), or with its format, the order of its bytes and a 1 (formats 102 to 115).
Dates are numbers since 1960, known by their display format: days, milliseconds, weeks, months, quarters, half-years. Text
is UTF-8 from format 118 on; before, in a code page that the file does not name. Described in Stata's manual ("help dta",
"help datetime").
"""

from __future__ import annotations

import math
import re
from bisect import bisect_right
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyreadstat

from survey.readers import labelled
from survey.readers.labelled import Told, milliseconds, plain
from survey.readers.raw import RawTable
from survey.schema import Layout

EPOCH = datetime(1960, 1, 1)
PER_YEAR = {"w": 52, "m": 12, "q": 4, "h": 2}
LONGEST = 9999 * 366  # days
# Days that ended with a second more, which %tC counts (International Earth Rotation Service, Bulletin C).
_JUNE = (1972, 1981, 1982, 1983, 1985, 1992, 1993, 1994, 1997, 2012, 2015)
_DECEMBER = (1972, 1973, 1974, 1975, 1976, 1977, 1978, 1979, 1987, 1989, 1990, 1995, 1998, 2005, 2008, 2016)
_LEAPS = sorted([datetime(y, 7, 1) for y in _JUNE] + [datetime(y + 1, 1, 1) for y in _DECEMBER])
_OLD = re.compile(rb"[\x66-\x73][\x01\x02]\x01", re.DOTALL)
_DATED = re.compile(r"%-?(?:t([cCdwmqh])|(d)).*")


def recognises(magic: bytes) -> bool:
    """Whether a file that begins so is a Stata file."""
    return magic.startswith(b"<stata_dta>") or _OLD.match(magic) is not None


def read(path: Path, layout: Layout) -> RawTable:
    """Read it; see `survey.read_table`. Extended missing codes stand in the frame as ``.a`` and are listed in ``.no_answer``."""
    return labelled.read_apart(path, layout, "stata", "Stata (.dta)")


def main() -> None:
    """Read the file that the command line names; see `survey.readers.labelled.answer`."""
    labelled.answer(tell)


def tell(path: str, encoding: str | None) -> tuple[dict[str, list[str]], Told]:
    """Give a file's columns as text and what it says of them; this is what the process that reads it answers."""
    encoding = encoding or "utf-8"  # what is not, does not say what it is, and is refused
    values, about = labelled.opened(pyreadstat.read_dta, path, encoding)
    labels = labelled.code_labels(about, _code)
    columns = {name: _as_text(cells, name, about) for name, cells in values.items()}
    no_answer = {name: codes for name in columns if (codes := _no_answer(name, labels, about))}
    multiple = labelled.dichotomies(columns, labels)
    return columns, Told(
        labels, labelled.wording(about), multiple, no_answer, {"format": "stata", "encoding": encoding}
    )


def _code(value: Any) -> str:
    return f".{value}" if isinstance(value, str) else plain(value)


def _no_answer(name: str, labels: labelled.Labels, about: Any) -> list[str]:
    seen = {_code(code) for code in about.missing_user_values.get(name, [])}
    return sorted(seen | {code for code in labels.get(name, {}) if re.fullmatch(r"\.[a-z]", code)})


def _as_text(cells: list[Any], name: str, about: Any) -> list[str]:
    kind = about.readstat_variable_types[name]
    if kind == "string":
        return [cell or "" for cell in cells]
    dated = _DATED.fullmatch(about.original_variable_types[name] or "")
    unit = (dated[1] or dated[2]) if dated else ""

    def show(value: Any) -> str:
        if value is None or isinstance(value, str):
            return _code(value)
        return _moment(value, unit) if unit else _number(value, kind)

    return labelled.texts(cells, show)


def _number(value: float, kind: str) -> str:
    """A number in the digits that its type holds: a float's 1.1 is not 1.100000023841858."""
    if kind != "float" or float(value).is_integer() or math.isnan(value):
        return plain(value)
    return str(np.float32(value))


def _moment(value: float, unit: str) -> str:
    days = value if unit == "d" else value / 86_400_000 if unit in "cC" else value * 366 / PER_YEAR[unit]
    if not abs(days) < LONGEST:
        return plain(value)
    try:
        return _period(int(value), unit) if unit in PER_YEAR else _instant(value, unit)
    except (OverflowError, ValueError):
        return plain(value)


def _period(number: int, unit: str) -> str:
    """A month as 2024-03; weeks, quarters and half-years as Stata shows them (2024w9, 2024q1, 2024h1)."""
    year, within = divmod(number, PER_YEAR[unit])
    return date(1960 + year, within + 1, 1).isoformat()[:7] if unit == "m" else f"{1960 + year}{unit}{within + 1}"


def _instant(value: float, unit: str) -> str:
    if unit == "d":
        return plain((EPOCH + timedelta(days=math.floor(value))).date())
    moment = EPOCH + milliseconds(value / 1000)
    return plain(_without_leaps(moment) if unit == "C" else moment)


def _without_leaps(moment: datetime) -> datetime:
    """Take out the seconds that were put in before a moment of %tC, which counts them."""
    starts = [leap + timedelta(seconds=n + 1) for n, leap in enumerate(_LEAPS)]
    return moment - timedelta(seconds=bisect_right(starts, moment))


if __name__ == "__main__":
    main()
