"""One column of text at a time: clean signs, codes, numbers, times. Each gives values and, a rule at a time, which cells it met."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from survey.instrument import Item

SEPARATOR = ";"
YES = frozenset({"1", "yes", "y", "true", "是", "同意"})
TOTAL = re.compile(r"(合计|总计|小计|平均|均值|总和|grand total|total|subtotal|sum|average|mean)[:：]?", re.IGNORECASE)
_INVISIBLE = dict.fromkeys(
    map(ord, "\u200b\u200c\u200d\u2060\ufeff\u00ad\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
)
_CODE_THEN_LABEL = re.compile(r"(-?\d+)\s*[-.、:：]\s*\D.*")
_TIME = re.compile(
    r"(\d{4})\s*[-/.年]?\s*(\d{1,2})\s*[-/.月]?\s*(\d{1,2})\s*日?(?:[T\s]*(\d{1,2}):(\d{2})(?::(\d{2})(?:\.\d+)?)?)?"
    r"\s*(Z|[+-]\d{2}:?\d{2})?"
)

Met = dict[str, pd.Series]


def by_unique(column: pd.Series, convert: Callable[[str], object]) -> pd.Series:
    """Convert each distinct text once."""
    return column.map({value: convert(value) for value in column.drop_duplicates().tolist()})


def clean(column: pd.Series) -> tuple[pd.Series, pd.Series]:
    """Half-width signs, no invisible ones, no blanks around; and which cells that changed (blanks do not count)."""
    cleaned = {value: _clean(value) for value in column.drop_duplicates().tolist()}
    changed = [value for value, new in cleaned.items() if not value.isascii() and new != " ".join(value.split())]
    return column.map(cleaned).astype("str"), column.isin(changed)


def _clean(value: str) -> str:
    if value.isascii():
        return value if value.isalnum() else " ".join(value.split())
    return " ".join(unicodedata.normalize("NFKC", value).translate(_INVISIBLE).split())


def coded(column: pd.Series, item: Item) -> tuple[pd.Series, Met]:
    """Read answers to a choice item as codes.

    Codes themselves, labels in either language, declared other spellings and "5-label" are recognised. Whole-number codes come
    as float, words as text; what counts as not answered, and what is none of these, is missing and counted.
    """
    reading = _readings(item)
    labels = item.codes.codes if item.codes else {}

    def one(value: str) -> str | None:
        key = value.casefold()
        if key in reading:
            return reading[key]
        match = _CODE_THEN_LABEL.fullmatch(value)
        if match and match[1] in labels:
            return match[1]
        number = _whole(value)
        if number is None:
            return "?label"
        fits = str(number) in labels if labels else item.lowest <= number <= item.highest
        return str(number) if fits else "?range"

    found = by_unique(column, one).astype("str")
    met = {
        "unknown_label": (found == "?label") & (column != ""),
        "out_of_range": found == "?range",
        "missing_code": (found == "?missing"),
    }
    values = found.where(~found.str.startswith("?").fillna(False))
    return (pd.to_numeric(values).astype("float64") if item.numeric else values), met


def _readings(item: Item) -> dict[str, str | None]:
    reading: dict[str, str | None] = {"": None}
    for code, label in (item.codes.missing if item.codes else {}).items():
        reading |= {text.casefold(): "?missing" for text in (code, label.en, label.zh, *label.also)}
    for code, label in (item.codes.codes if item.codes else {}).items():
        reading |= {unicodedata.normalize("NFKC", t).casefold(): code for t in (label.en, label.zh, *label.also)}
        reading[code.casefold()] = code
    return reading


def _whole(value: str) -> int | None:
    match = re.fullmatch(r"(-?\d{1,9})(?:\.0+)?", value)
    return int(match[1]) if match else None


def several(column: pd.Series, item: Item, separator: str) -> tuple[pd.DataFrame, Met]:
    """Read answers to a multiple-response item: a column a code (1 chosen, 0 not, missing where nothing was answered)."""
    reading = _readings(item)
    chosen = by_unique(
        column, lambda v: tuple(reading.get(p.strip().casefold(), "?") for p in v.split(separator) if p.strip())
    )
    answered = column != ""
    codes = list(item.codes.codes) if item.codes else []
    columns = {
        f"{item.name}={code}": chosen.map(lambda parts, c=code: float(c in parts)).where(answered).astype("float64")
        for code in codes
    }
    return pd.DataFrame(columns, index=column.index), {
        "unknown_label": chosen.map(lambda parts: "?" in parts).astype(bool)
    }


def number(column: pd.Series, item: Item) -> tuple[pd.Series, Met]:
    """Read a number within the item's limits; anything else is missing and counted."""
    values = numbers(column)
    outside = values.notna() & ~values.between(item.lowest, item.highest)
    met = {"not_a_number": values.isna() & (column != ""), "out_of_range": outside}
    return values.where(~outside), met


def numbers(column: pd.Series) -> pd.Series:
    """Plain decimal numbers as float; infinite ones, and anything else, missing."""
    plain = column.where(column.str.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,2})?"))
    values = pd.to_numeric(plain, errors="coerce").astype("float64")
    return values.where(np.isfinite(values))


def yes(column: pd.Series) -> pd.Series:
    """Whether a cell says yes; anything else, also nothing, is no."""
    return column.str.casefold().isin(YES)


def times(column: pd.Series, form: str, zone: str) -> pd.Series:
    """Read times to the study's local time (no zone, microseconds); missing where that fails."""
    if form in ("epoch_s", "epoch_ms"):
        milliseconds = numbers(column) * (1000 if form == "epoch_s" else 1)
        stamp = pd.to_datetime(milliseconds, unit="ms", utc=True, errors="coerce")
        return stamp.dt.tz_convert(zone).dt.tz_localize(None).astype("datetime64[us]")
    if form == "excel":
        days = pd.to_timedelta(numbers(column), unit="D")
        return (pd.Timestamp(1899, 12, 30) + days).dt.round("s").astype("datetime64[us]")
    return by_unique(column, lambda v: _time(v, zone)).astype("datetime64[us]")


def _time(value: str, zone: str) -> pd.Timestamp | None:
    match = _TIME.fullmatch(value)
    if not match:
        return None
    year, month, day, hour, minute, second = (int(p) for p in match.groups(default="0")[:6])
    try:
        stamp = pd.Timestamp(year=year, month=month, day=day, hour=hour, minute=minute, second=second)
        if match[7]:
            stamp = pd.Timestamp(f"{stamp.isoformat()}{match[7]}").tz_convert(ZoneInfo(zone)).tz_localize(None)
    except ValueError:
        return None
    return stamp


def recode(column: pd.Series, values: Mapping[str, str], separator: str) -> pd.Series:
    """Replace what stands in the file by the codes that wave.yaml declares for it: a whole cell, or each of several in it."""
    if not values:
        return column
    return by_unique(column, lambda cell: values.get(cell) or _recode_parts(cell, values, separator)).astype("str")


def _recode_parts(cell: str, values: Mapping[str, str], separator: str) -> str:
    return separator.join(values.get(part.strip(), part.strip()) for part in cell.split(separator))
