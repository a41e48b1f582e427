"""Groups and places that rows name, against those that the study knows."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

import pandas as pd

from survey import places
from survey.checks.accepted import Book
from survey.checks.cells import clean
from survey.study import Study, Wave

UNITS = {"group": "unknown_group", "region": "unknown_region"}
ALIKE = 0.6  # share of signs that two names have in common
MOST_LOOKED_UP = 50  # unknown names of a file; a file that has more is not of this study


def known_groups(study: Study, column: pd.Series) -> pd.Series:
    """Codes of the groups that a column names, by code or by label; missing where unknown."""
    if study.settings.groups is None:
        return pd.Series(pd.NA, index=column.index, dtype="str")
    if study.settings.groups.any is not None:
        return column.where(column != "")
    return column.map(_readings(study.groups)).astype("str")


def known_regions(study: Study, wave: Wave, column: pd.Series) -> pd.Series:
    """Codes of the places that a column names, by code (12 digits are cut to the code they fill) or by a label of one place.

    Only places that were valid at the end of the wave's fieldwork are known.
    """
    if study.places.empty:
        return pd.Series(pd.NA, index=column.index, dtype="str")
    readings = _readings(places.valid_on(study.places, wave.settings.fieldwork.end))
    return column.map({**_filled(readings.values()), **readings}).astype("str")


def _filled(codes: Iterable[str]) -> dict[str, str]:
    """Codes of 6 and 9 digits as they stand where all are written with 9 or 12 digits."""
    official = [c for c in codes if c.isascii() and c.isdigit() and len(c) in (6, 9)]
    return {code.ljust(width, "0"): code for code in sorted(official) for width in (9, 12) if len(code) < width}


def settle_units(study: Study, wave: Wave, frame: pd.DataFrame, book: Book) -> pd.DataFrame:
    """Give the frame its group and region columns as codes; rows without a known one are set aside where the study has them."""
    out = frame.copy()
    nothing = pd.Series("", index=frame.index, dtype="str")
    out["group"] = known_groups(study, frame.get("group", nothing))
    out["region"] = known_regions(study, wave, frame.get("region", nothing))
    for unit in UNITS:
        if unit in frame:
            set_aside_unknown(study, unit, frame[unit], out[unit].isna(), book)
    return out


def set_aside_unknown(study: Study, unit: str, column: pd.Series, unknown: pd.Series, book: Book) -> None:
    """Set rows without a known unit aside where the study has such units; keep which known one comes nearest."""
    declared = study.settings.groups is not None if unit == "group" else not study.places.empty
    if declared:
        book.set_aside(column.index[unknown], UNITS[unit])
        book.nearest.update(_nearest(column[unknown], study.groups if unit == "group" else study.places))


def _nearest(unknown: pd.Series, table: pd.DataFrame) -> dict[int, str]:
    """Give, by row, the code of the unit whose code or label is written most like what the row names, where one is like it."""
    readings = _readings(table) if len(table) else {}
    found = {
        text: readings[like[0]]
        for text in unknown.unique()[:MOST_LOOKED_UP]
        if text and not text.isdigit() and (like := get_close_matches(text, readings, n=1, cutoff=ALIKE))
    }
    return {int(row): found[text] for row, text in zip(unknown.index, unknown, strict=True) if text in found}


def _readings(table: pd.DataFrame) -> dict[str, str]:
    """Code by code and by label, written as cells are; a label that two codes share is none."""
    readings: dict[str, str] = {}
    for label in ("en", "zh"):
        labels = clean(table[label])[0].astype("str")
        for text, codes in table["code"].groupby(labels).unique().items():
            if len(codes) == 1:
                readings[str(text)] = codes[0]
    return readings | dict(zip(clean(table["code"])[0], table["code"], strict=True))
