"""One column of text at a time: clean signs, codes, numbers, times. Each gives values and, a rule at a time, which cells it met."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Callable, Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from survey.instrument import Item

SEPARATOR = ";"
YES = frozenset({"1", "yes", "y", "true", "是", "同意"})
NO = frozenset({"", "0", "no", "n", "false", "否", "不同意"})
TOTAL = re.compile(
    r"(合\s*计|总\s*计|小\s*计|平\s*均|均\s*值|总\s*和|grand total|total|subtotal|sum|average|mean)\s*[:：]?",
    re.IGNORECASE,
)
EPOCH, EXCEL_DAY_0 = datetime(1970, 1, 1), datetime(1899, 12, 30)
_LAST_MS, _LAST_EXCEL_DAY = 253_402_214_400_000, 2_958_465  # the last day of the year 9999
_INVISIBLE = dict.fromkeys(
    map(ord, "\u200b\u200c\u200d\u2060\ufeff\u00ad\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
)
# What a reading gives where it gives no code.
_MARKS = {"unknown_label": "\0label", "out_of_range": "\0range", "missing_code": "\0missing"}
_WHOLE = re.compile(r"([+-]?\d{1,9})(?:\.0+)?", re.ASCII)
_CODE_THEN_LABEL = re.compile(r"(-?\d+)\s*[-.、:]\s*(\D.*)", re.ASCII)
_OWN_TEXT = re.compile(r"(?<=.)〖[^〗]*〗$")  # what somebody wrote behind an option that asks for words
_PARTS = ("year", "month", "day", "hour", "minute", "second")
_CLOCK = r"(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:\.\d+)?)?\s*(?P<zone>Z|[+-]\d{2}:?\d{2})?"
_TIMES = tuple(
    re.compile(day + rf"(?:{gap}{_CLOCK})?", re.ASCII)
    for day, gap in (
        (r"(?P<year>\d{4})(?P<sign>[-/.])(?P<month>\d{1,2})(?P=sign)(?P<day>\d{1,2})", r"(?:T|\s+)"),
        (r"(?P<year>\d{4})(?P<month>\d{2})(?P<day>\d{2})", r"(?:T|\s+)"),
        (r"(?P<year>\d{4})\s*年\s*(?P<month>\d{1,2})\s*月\s*(?P<day>\d{1,2})\s*日", r"\s*"),
    )
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

    Codes themselves, labels in either language, declared other spellings and "5-label" (where the label is that code's) are
    recognised. Whole-number codes come as float, words as text; what counts as not answered, and what is none of these, is
    missing and counted.
    """
    read = _reader(item)
    codes = {value: read(value) for value in column.drop_duplicates().tolist()}
    met = {rule: column.isin([v for v, code in codes.items() if code == mark]) for rule, mark in _MARKS.items()}
    kept = {v: None if code is None or code in _MARKS.values() else code for v, code in codes.items()}
    if not item.numeric:
        return column.map(kept).astype("str"), met
    return column.map({v: math.nan if code is None else float(code) for v, code in kept.items()}).astype("float64"), met


def _reader(item: Item) -> Callable[[str], str | None]:
    """Give the function that reads one answer: a code, a mark of what is wrong, or None for nothing."""
    reading = _readings(item)

    def read(value: str) -> str | None:
        value = _OWN_TEXT.sub("", value)
        key = value.casefold()
        if key in reading:
            return reading[key]
        parts = _CODE_THEN_LABEL.fullmatch(key)
        if parts and reading.get(parts[1], "") == reading.get(parts[2]):
            return reading[parts[1]]
        number = _whole(value)
        if number is None:
            return _MARKS["unknown_label"]
        if item.codes:
            return reading.get(str(number), _MARKS["out_of_range"])
        return str(number) if item.lowest <= number <= item.highest else _MARKS["out_of_range"]

    return read


def _readings(item: Item) -> dict[str, str | None]:
    """Every spelling of the item's codes; those that count as not answered have the mark for it."""
    spellings = dict(item.codes.spellings()) if item.codes else {}
    marked = {s: _MARKS["missing_code"] if code.startswith("missing:") else code for s, code in spellings.items()}
    return {"": None, **marked}


def _whole(value: str) -> int | None:
    match = _WHOLE.fullmatch(value)
    return int(match[1]) if match else None


def labelled_otherwise(labels: Mapping[str, str], values: Mapping[str, str], item: Item) -> list[tuple[str, str]]:
    """Codes and labels of a file where the label is that of another of the item's codes; `values` as in wave.yaml."""
    read = _reader(item)
    found = []
    for code, label in labels.items():
        meant, taken = read(_clean(label)), read(_clean(values.get(code, code)))
        if meant in item.code_names and meant != taken:
            found.append((code, label))
    return found


def several(column: pd.Series, item: Item, separator: str) -> tuple[pd.DataFrame, Met]:
    """Read answers to a multiple-response item: a column a code, 1 chosen, 0 not.

    Missing where nothing was answered, and where no part of the answer could be read as a code.
    """
    read, separator = _reader(item), unicodedata.normalize("NFKC", separator)

    def parts(cell: str) -> tuple[str | None, ...]:
        whole = read(cell)
        if whole not in _MARKS.values():
            return (whole,)
        return tuple(read(part.strip()) for part in cell.split(separator) if part.strip())

    chosen = by_unique(column, parts)
    answered = chosen.map(lambda found: any(code in item.code_names for code in found)).astype(bool)
    columns = {
        f"{item.name}={code}": chosen.map(lambda found, c=code: float(c in found)).where(answered).astype("float64")
        for code in item.code_names
    }
    met = {rule: chosen.map(lambda found, m=mark: m in found).astype(bool) for rule, mark in _MARKS.items()}
    return pd.DataFrame(columns, index=column.index), met


def ticked(column: pd.Series, item: Item, code: str) -> tuple[pd.Series, Met]:
    """Read one 0/1 column of a multiple-response item: 1 chosen, 0 not or nothing there.

    Words for yes and no are recognised, and the code's own label where that stands for a tick; anything else is missing.
    """
    read = _reader(item)

    def one(value: str) -> float:
        value = _OWN_TEXT.sub("", value)
        key = value.casefold()
        if key in NO or (key not in YES and _zero_or_one(value) == 0):
            return 0.0
        if key in YES or _zero_or_one(value) == 1 or read(value) == code:
            return 1.0
        return math.nan

    values = by_unique(column, one).astype("float64")
    return values, {"unknown_label": values.isna()}


def _zero_or_one(value: str) -> int | None:
    number = _whole(value)
    return number if number in (0, 1) else None


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
        stamp = _since(EPOCH, milliseconds.where(milliseconds.between(0, _LAST_MS)))
        return stamp.dt.tz_localize("UTC").dt.tz_convert(zone).dt.tz_localize(None).astype("datetime64[us]")
    if form == "excel":
        days = numbers(column)
        seconds = (days.where(days.between(1, _LAST_EXCEL_DAY)) * 86400).round()
        return _since(EXCEL_DAY_0, seconds * 1000)
    local = ZoneInfo(zone)
    return by_unique(column, lambda v: _time(v, local)).astype("datetime64[us]")


def _since(start: datetime, milliseconds: pd.Series) -> pd.Series:
    whole = milliseconds.round().to_numpy(dtype="float64")
    days = np.where(np.isfinite(whole), whole, 0.0).astype("int64").astype("timedelta64[ms]")
    stamps = pd.Series(np.datetime64(start, "ms") + days, index=milliseconds.index).astype("datetime64[us]")
    return stamps.where(milliseconds.notna())


def _time(value: str, local: ZoneInfo) -> datetime | None:
    match = next((m for form in _TIMES if (m := form.fullmatch(value))), None)
    if match is None:
        return None
    parts = match.groupdict()
    try:
        year, month, day, hour, minute, second = (int(parts[p] or 0) for p in _PARTS)
        stamp = datetime(year, month, day, hour, minute, second)
        if parts["zone"]:
            stamp = datetime.fromisoformat(f"{stamp.isoformat()}{parts['zone']}").astimezone(local).replace(tzinfo=None)
    except (ValueError, OverflowError):
        return None
    return stamp


def recode(column: pd.Series, values: Mapping[str, str], separator: str) -> pd.Series:
    """Replace what stands in the file by the codes that wave.yaml declares for it: a whole cell, or each of several in it."""
    if not values:
        return column
    cleaned, separator = {_clean(seen): code for seen, code in values.items()}, unicodedata.normalize("NFKC", separator)

    def one(cell: str) -> str:
        if cell in cleaned:
            return cleaned[cell]
        parts = [part.strip() for part in cell.split(separator)]
        if cleaned.keys().isdisjoint(parts):
            return cell
        return separator.join(cleaned.get(part, part) for part in parts)

    return by_unique(column, one).astype("str")
