"""Places: codes, their parents and levels, with the dates in which a code was valid.

The workbench's own table is ``places.csv`` (made by `survey.places_table`); a study takes a part of it, brings its own,
or both. Codes are text; levels are named as in the table. What a row of a file may write for a place is read by
`survey.places_readings`, what became of places whose boundaries moved by `survey.places_changes`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from functools import lru_cache
from pathlib import Path

import pandas as pd

from survey.faults import Fault, Refused, refuse_if
from survey.folder import read_rows
from survey.schema import Places

COLUMNS = ["code", "parent", "level", "en", "zh", "valid_from", "valid_to", "dated"]
# Levels by the length of their codes (GB/T 2260, GB/T 10114: 2 + 2 + 2 + 3 + 3 digits).
DIGITS = {"county": 6, "township": 9, "village": 12}
_FILE_COLUMNS = ("code", "parent", "level", "name_en", "name_zh")
_FILE_DAYS = ("valid_from", "valid_to", "dated")
_BUILT_IN = Path(__file__).with_name("places.csv")


def none() -> pd.DataFrame:
    """Give the table of a study without places."""
    return pd.DataFrame(columns=COLUMNS, dtype="str")


def table(folder: Path, settings: Places | None) -> pd.DataFrame:
    """Read the places of a study.

    Returns
    -------
    DataFrame
        ``code, parent, level, en, zh, valid_from, valid_to, dated`` as text, parents before children; the top's parent is
        empty. ``dated``: yes or no, whether the days have been checked; places of the study's own file are ``yes`` unless it
        has that column.
    """
    if settings is None:
        return none()
    parts = []
    if settings.under is not None:
        parts.append(_under(settings.under))
    if settings.file is not None:
        parts.append(_read(folder, settings.file))
    whole = pd.concat(parts, ignore_index=True)
    refuse_if(_tree_faults(whole, settings.file or "study.yaml"))
    return whole


def hierarchy(places: pd.DataFrame) -> pd.DataFrame:
    """Give the current tree of codes: ``code, parent, level, valid_from, valid_to``, one row a code, those that ended too."""
    current = places.sort_values("valid_from", kind="stable").drop_duplicates("code", keep="last")
    return current.sort_index()[["code", "parent", "level", "valid_from", "valid_to"]].reset_index(drop=True)


def with_seen(places: pd.DataFrame, codes: Iterable[str]) -> pd.DataFrame:
    """Add the townships and villages that rows name by their digits alone, each below the place that its digits name.

    Parameters
    ----------
    places : DataFrame
        As `table` gives it.
    codes : iterable of str
        Codes that stand in accepted rows; those of the table stay as they are.
    """
    known = set(places["code"])
    labels = places.drop_duplicates("code", keep="last").set_index("code")[["en", "zh"]].to_dict("index")
    rows = []
    for code in sorted({part for c in set(codes) - known for part in (c[:9], c)} - known, key=lambda c: (len(c), c)):
        level = "township" if len(code) == DIGITS["township"] else "village"
        above = labels[code[:6]]
        rows.append((code, code[: -len("000")], level, f"{above['en']} {code}", f"{above['zh']} {code}", "", "", "no"))
    return pd.concat([places, pd.DataFrame(rows, columns=COLUMNS, dtype="str")], ignore_index=True)


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
    whole = _built_in()
    parent = dict(zip(whole["code"], whole["parent"], strict=True))
    if top not in parent:
        en = f"places.under: “{top}” is not in the workbench's table of places; give the code of a province, city or county"
        zh = f"places.under：工作台的地区表中没有“{top}”；请填写省、市或县的代码"
        raise Refused([Fault("study.yaml", 0, en, zh)])

    def below(code: str) -> bool:
        while code and code != top:
            code = parent.get(code, "")
        return code == top

    part = whole[whole["code"].map(below)].reset_index(drop=True)
    part.loc[part["code"] == top, "parent"] = ""
    return part


@lru_cache(maxsize=1)
def _built_in() -> pd.DataFrame:
    """Every notebook opens its study anew; nobody writes to this frame."""
    return _read(_BUILT_IN.parent, _BUILT_IN.name)


def _read(folder: Path, file: str) -> pd.DataFrame:
    rows = read_rows(folder, file, _FILE_COLUMNS, _FILE_DAYS, filled=("code", "level", "name_en", "name_zh"))
    refuse_if(
        Fault(
            file,
            int(row["#line"]),
            f"{column} must be a day such as 2024-03-01, or empty",
            f"{column} 应为日期，如 2024-03-01，或留空",
        )
        for row in rows
        for column in ("valid_from", "valid_to")
        if row[column] and not is_day(row[column])
    )
    refuse_if(
        Fault(file, int(row["#line"]), "dated must be yes, no or empty (yes)", "dated 应为 yes、no 或留空（即 yes）")
        for row in rows
        if row["dated"] not in ("", "yes", "no")
    )
    frame = pd.DataFrame(rows, columns=[*_FILE_COLUMNS, *_FILE_DAYS], dtype="str")
    frame["dated"] = frame["dated"].where(frame["dated"] != "", "yes")
    return frame.rename(columns={"name_en": "en", "name_zh": "zh"})[COLUMNS]


def is_day(text: str) -> bool:
    try:
        return len(text) == 10 and bool(date.fromisoformat(text))
    except ValueError:
        return False


def _tree_faults(places: pd.DataFrame, file: str) -> Iterator[Fault]:
    """What is wrong with the tree that all parts make together."""
    parent = dict(zip(places["code"], places["parent"], strict=True))
    level = dict(zip(places["code"], places["level"], strict=True))
    wrong = {
        "places name parents that are not in the table": sorted(set(parent.values()) - set(parent) - {""}),
        "places lie in themselves, by way of their parents": sorted(c for c in parent if _circles(c, parent)),
        "places stand twice for the same day": _overlapping(places),
        "places have the same level as their parent": sorted(c for c, p in parent.items() if level[c] == level.get(p)),
    }
    chinese = (
        "有的地区的上级不在表中",
        "有的地区经其上级又回到自身",
        "有的地区在同一天重复出现",
        "有的地区与其上级层级相同",
    )
    for (en, codes), zh in zip(wrong.items(), chinese, strict=True):
        if codes:
            names = ", ".join(codes[:5])
            yield Fault(file, 0, f"{en}: {names}", f"{zh}：{names}")


def _circles(code: str, parent: Mapping[str, str]) -> bool:
    passed = set()
    while code in parent and code not in passed:
        passed.add(code)
        code = parent[code]
    return code in passed


def _overlapping(places: pd.DataFrame) -> list[str]:
    ordered = places.sort_values(["code", "valid_from"], kind="stable")
    before = ordered["code"].eq(ordered["code"].shift())
    ends = ordered["valid_to"].shift().fillna("")
    return sorted(set(ordered.loc[before & ((ends == "") | (ends > ordered["valid_from"])), "code"]))
