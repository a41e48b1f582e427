"""What a cell may write for a place: codes of every length, names alone and behind the places above, codes of another day."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pandas as pd
import pytest

from survey.checks.place_readings import PlaceReader
from tests.survey.builders import PLACES, adds_up, answers, reasons, registry

DAY = date(2024, 4, 15)
# Two cities, each with a county of one name; a city that is a province; a county right below its province; a township.
ROWS = """10 . province North 北岭省
1001 10 city Lake 大湖市
100101 1001 county Dawn_District 朝阳区
100102 1001 county Drum_County 鼓楼县
1002 10 city Sea 南海市
100201 1002 county Dawn_County 朝阳县
100291 10 county Corps_City 团城市
1003 10 city Plain 平川市
20 . province Harbour 港口市
200101 20 county Dawn_District 朝阳区
100102001 100102 township Mill 磨坊镇
"""
MOVED = pd.DataFrame({"from": ["100103", "100103"], "to": ["100102", "100104"], "valid_from": "2021-04-01"})


def table() -> pd.DataFrame:
    lines = [line.split() for line in ROWS.splitlines()]
    full = [
        (code.ljust(6, "0"), "" if above == "." else above.ljust(6, "0"), level, en.replace("_", " "), zh, "", "")
        for code, above, level, en, zh in lines
    ]
    full.append(("100103", "100100", "county", "West District", "西区", "", "2021-04-01"))
    full.append(("100104", "100100", "county", "New District", "新城区", "2021-04-01", ""))
    return pd.DataFrame(full, columns=["code", "parent", "level", "en", "zh", "valid_from", "valid_to"], dtype="str")


def read(cell: str, within: str = "", *, to: str | None = None, day: date = DAY) -> tuple[str | None, str]:
    found = PlaceReader(table(), day, to, MOVED).read(cell, within)
    return found.code, found.reason


@pytest.mark.parametrize(
    ("cell", "code"),
    [
        ("大湖市鼓楼县", "100102"),
        ("北岭省大湖市鼓楼县", "100102"),
        ("北岭-大湖-鼓楼", "100102"),
        ("鼓楼", "100102"),
        ("大湖市朝阳", "100101"),
        ("南海市 朝阳县", "100201"),
        ("朝阳县", "100201"),
        ("港口市朝阳区", "200101"),
        ("港口市港口市朝阳区", "200101"),
        ("港口市/市辖区/朝阳区", "200101"),
        ("北岭省省直辖县级行政区划团城市", "100291"),
        ("北岭省团城市", "100291"),
        ("大湖市鼓楼县磨坊镇", "100102001"),
        ("Dawn County, Sea", "100201"),
        ("Dawn District, Lake, North", "100101"),
        ("North Lake Dawn District", "100101"),
    ],
)
def test_a_name_with_the_places_above_it(cell: str, code: str) -> None:
    assert read(cell) == (code, "")


@pytest.mark.parametrize("cell", ["朝阳", "朝阳区", "北岭省朝阳", "Dawn District"])
def test_a_name_of_several_places_means_none(cell: str) -> None:
    assert read(cell) == (None, "region_of_several")


@pytest.mark.parametrize("cell", ["南海市鼓楼县", "老大湖市鼓楼县", "鼓", "楼县", "大湖市鼓楼县东", ""])
def test_what_only_looks_like_a_name_means_none(cell: str) -> None:
    assert read(cell) == (None, "unknown_region")


@pytest.mark.parametrize(
    ("cell", "within", "said"),
    [
        ("朝阳", "大湖市", ("100101", "")),
        ("朝阳", "100200", ("100201", "")),
        ("朝阳", "港口", ("200101", "")),
        ("朝阳", "北岭省", (None, "region_of_several")),
        ("100102001", "鼓楼", ("100102001", "")),
        ("100102001", "100101", (None, "region_elsewhere")),
        ("鼓楼", "南海市", (None, "region_elsewhere")),
        ("100102", "nowhere", ("100102", "")),
        ("100102", "", ("100102", "")),
        ("大湖市", "大湖市", ("100100", "")),
    ],
)
def test_the_column_beside_decides_and_contradicts(cell: str, within: str, said: tuple[str | None, str]) -> None:
    assert read(cell, within) == said


@pytest.mark.parametrize(
    ("to", "cell", "code"),
    [
        ("village", "100101003", "100101003"),
        ("village", "100101003000", "100101003"),
        ("village", "100101003207", "100101003207"),
        ("village", "100102001207", "100102001207"),
        ("village", "100101000000", "100101"),
        ("village", "100101", "100101"),
        ("township", "100101003207", "100101003"),
        ("county", "100101003207", "100101"),
        ("county", "100102001", "100102001"),
        ("village", "100300003207", "100300003207"),
    ],
)
def test_townships_and_villages_by_their_digits_where_the_study_says_so(to: str, cell: str, code: str) -> None:
    assert read(cell, to=to) == (code, "")
    assert read(cell)[0] in (None, "100101", "100102001")


@pytest.mark.parametrize("cell", ["100199003", "100199003207", "1001010032", "10010100", "100100003", "10010100320x"])
def test_digits_that_name_no_county_mean_none(cell: str) -> None:
    assert read(cell, to="village") == (None, "unknown_region")


def test_a_code_of_another_day_says_what_it_is_or_was() -> None:
    reader = PlaceReader(table(), DAY, "village", MOVED)
    for cell in ("100103", "100103000000", "100103005", "100103005207"):
        assert reader.read(cell).reason == "region_ended"
        assert reader.read(cell).hint == "100103 (2021-04-01) → 100102, 100104"
    before = PlaceReader(table(), date(2021, 3, 31), None, MOVED).read("100104")
    assert (before.code, before.reason, before.hint) == (None, "region_not_yet", "100104 (2021-04-01) ← 100103")


@pytest.mark.parametrize(("day", "code"), [(date(2021, 3, 31), "100103"), (date(2021, 4, 1), None)])
def test_the_day_on_which_a_code_ends_is_no_day_of_it(day: date, code: str | None) -> None:
    assert read("100103", day=day)[0] == code
    assert read("大湖市西区", day=day)[0] == code


def test_rows_are_set_aside_by_what_is_wrong_with_their_place(tmp_path: Path) -> None:
    entry = {"columns": {"id": "member", "org": "group", "place": "region", "city": "within", "q1": "bel1"}}
    more = "990202,990000,county,Drum,鼓楼,,\n990106,990100,county,Drum,鼓楼,,\n"
    cells = [
        ("990103", ""),
        ("鼓楼", ""),
        ("鼓楼", "湖市"),
        ("990104", "鼓楼"),
        ("990104", "湖市"),
        ("nowhere", "湖市"),
    ]
    rows = [{"id": f"m{n}", "place": place, "city": city} for n, (place, city) in enumerate(cells)]
    found = answers(tmp_path, rows, entry, place_file=PLACES + more)
    assert reasons(found) == {2: "region_ended", 3: "region_of_several", 5: "region_elsewhere", 7: "unknown_region"}
    assert found.frame["region"].tolist() == ["990106", "990104"]
    assert "within" not in found.frame
    assert found.nearest[2] == "990103 (2021-04-01)"
    assert adds_up(found)


def test_a_registry_down_to_villages(tmp_path: Path) -> None:
    rows = [{"place": p, "n": "7"} for p in ("990102", "990102003", "990102003000", "990102003207", "990199003")]
    found = registry(tmp_path, rows, places={"file": "places.csv", "to": "village"})
    assert found.frame["region"].tolist() == ["990102", "990102003", "990102003207"]
    assert reasons(found) == {4: "duplicate", 6: "unknown_region"}
