"""Places: codes, their parents and levels, with the dates in which a code was valid.

The workbench's own table is ``places.csv`` (made by `survey.places_table`); a study takes a part of it, brings its own,
or both. Codes are text; levels are named as in the table.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pandas as pd

from survey.faults import Fault, Refused
from survey.folder import read_rows
from survey.schema import Places

COLUMNS = ["code", "parent", "level", "en", "zh", "valid_from", "valid_to"]
_FILE_COLUMNS = ("code", "parent", "level", "name_en", "name_zh")
_BUILT_IN = Path(__file__).with_name("places.csv")


def none() -> pd.DataFrame:
    """Give the table of a study without places."""
    return pd.DataFrame(columns=COLUMNS, dtype="str")


def table(folder: Path, settings: Places | None) -> pd.DataFrame:
    """Read the places of a study.

    Returns
    -------
    DataFrame
        ``code, parent, level, en, zh, valid_from, valid_to`` as text, parents before children; the top's parent is empty.
    """
    if settings is None:
        return none()
    parts = []
    if settings.under is not None:
        parts.append(_under(settings.under))
    if settings.file is not None:
        parts.append(_read(folder, settings.file))
    whole = pd.concat(parts, ignore_index=True)
    _refuse_orphans(whole, settings.file or "study.yaml")
    return whole


def hierarchy(places: pd.DataFrame) -> pd.DataFrame:
    """Give the current tree of codes: ``code, parent, level, valid_from, valid_to``, one row a code."""
    current = places.sort_values("valid_from", kind="stable").drop_duplicates("code", keep="last")
    return current.sort_index()[["code", "parent", "level", "valid_from", "valid_to"]].reset_index(drop=True)


def valid_on(places: pd.DataFrame, day: date) -> pd.DataFrame:
    """Rows that are valid on a day: from ``valid_from`` on and before ``valid_to``; an empty date is no limit."""
    at = day.isoformat()
    begun, ended = places["valid_from"] <= at, (places["valid_to"] != "") & (places["valid_to"] <= at)
    return places[begun & ~ended]


def ancestors(tree: pd.DataFrame) -> pd.DataFrame:
    """Give for each code its ancestor (or itself) at each level: index code, a column a level, missing where none."""
    parent = dict(zip(tree["code"], tree["parent"], strict=True))
    level = dict(zip(tree["code"], tree["level"], strict=True))
    rows = {}
    for code in tree["code"]:
        row, at = {}, code
        while at:
            row[level[at]] = at
            at = parent.get(at, "")
        rows[code] = row
    levels = list(dict.fromkeys(tree["level"]))
    return pd.DataFrame.from_dict(rows, orient="index").reindex(columns=levels).astype("str")


def _under(top: str) -> pd.DataFrame:
    whole = _read(_BUILT_IN.parent, _BUILT_IN.name)
    parent = dict(zip(whole["code"], whole["parent"], strict=True))
    if top not in parent:
        raise Refused(
            [
                Fault(
                    "study.yaml",
                    0,
                    f"places.under: “{top}” is not in the workbench's table of places",
                    f"places.under：工作台的地区表中没有“{top}”",
                )
            ]
        )

    def below(code: str) -> bool:
        while code and code != top:
            code = parent.get(code, "")
        return code == top

    part = whole[whole["code"].map(below)].reset_index(drop=True)
    part.loc[part["code"] == top, "parent"] = ""
    return part


def _read(folder: Path, file: str) -> pd.DataFrame:
    rows = read_rows(folder, file, _FILE_COLUMNS, ("valid_from", "valid_to"))
    frame = pd.DataFrame(rows, dtype="str").rename(columns={"name_en": "en", "name_zh": "zh"})
    return frame[COLUMNS]


def _refuse_orphans(places: pd.DataFrame, file: str) -> None:
    orphans = sorted(set(places["parent"]) - set(places["code"]) - {""})
    if orphans:
        names = ", ".join(orphans[:5])
        raise Refused(
            [
                Fault(
                    file,
                    0,
                    f"places name parents that are not in the table: {names}",
                    f"有的地区的上级不在表中：{names}",
                )
            ]
        )
