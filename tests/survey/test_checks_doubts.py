"""What is doubtful and kept, what nobody was asked, and what is no answer at all: each by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from survey import Refused
from survey.checks import Accepted
from tests.survey.builders import ANSWERS, ITEMS, adds_up, answers, log, reasons

HEAD = ITEMS.splitlines()[0]
BATTERY = [f"a{n}" for n in range(20)]
LONG_FORM = "\n".join([HEAD, *(f"{i},,A,{i},{i},choice,agree5,,,,,," for i in BATTERY), ""])
ROLES = {"id": "member", "org": "group", "place": "region"}


def notes(found: Accepted) -> dict[str, int]:
    return dict(found.notes)


def battery(home: Path, rows: list[list[int]], **changed: Any) -> Accepted:
    """Answers to twenty items of one code set."""
    said = [{"id": f"m{n}"} | dict(zip(BATTERY, map(str, row), strict=True)) for n, row in enumerate(rows)]
    entry = {"columns": ROLES | {i: i for i in BATTERY}}
    return answers(home, said, entry, items=LONG_FORM, scales=None, cuts=[[]], **changed)


def test_the_same_code_everywhere_and_the_same_answers_twice(tmp_path: Path) -> None:
    mixed = [1 + n % 5 for n in range(20)]
    rows = [[3] * 20, [3] * 20, mixed, mixed, [*mixed[:-1], mixed[-1] % 5 + 1], [3] * 19 + [4]]
    found = battery(tmp_path, rows)
    assert notes(found) == {"same_code_everywhere": 2, "same_answers": 1}
    assert len(found.frame) == 6


def test_answers_to_few_items_are_no_doubt(tmp_path: Path) -> None:
    few = [{"id": f"m{n}", "q1": "3", "q2": "3"} for n in range(4)]
    assert notes(answers(tmp_path, few)) == {}


def test_very_fast_answers_against_the_median_and_against_a_rule(tmp_path: Path) -> None:
    rows = [{"id": f"m{n}", "t": str(s)} for n, s in enumerate([300, 300, 300, 300, 300, 101, 99, 20])]
    entry = {"columns": ANSWERS["columns"] | {"t": "seconds"}}
    assert notes(answers(tmp_path / "a", rows, entry)) == {"too_fast": 2}
    assert notes(answers(tmp_path / "b", rows, entry, rules={"least_seconds": 30})) == {"too_fast": 1}


SECONDS = {
    "87": 87,
    "87秒": 87,
    "1分27秒": 87,
    "1 分 27 秒": 87,
    "2分钟": 120,
    "00:01:27": 87,
    "1:27": 87,
    "1小时2分3秒": 3723,
}
SECONDS |= {"87.5": 87.5, "1h": 3600}
NO_SECONDS = ["soon", "-5", "1:2:3:4", "秒", "1.2.3", "12:5"]


def test_how_long_it_took_as_platforms_write_it(tmp_path: Path) -> None:
    rows = [{"id": f"m{n}", "t": cell} for n, cell in enumerate([*SECONDS, *NO_SECONDS])]
    found = answers(tmp_path, rows, {"columns": ANSWERS["columns"] | {"t": "seconds"}})
    assert found.frame["seconds"].tolist()[: len(SECONDS)] == list(SECONDS.values())
    assert found.frame["seconds"].isna().sum() == len(NO_SECONDS)
    assert (found.cells["not_a_number"], found.cells["out_of_range"]) == (len(NO_SECONDS) - 1, 1)


@pytest.mark.parametrize(
    ("layout", "cells", "values"),
    [
        ({"thousands": ","}, ["1,234", "12", "1,234,567.5", "12,34", "1.5"], [1234, 12, 1234567.5, None, 1.5]),
        ({"decimal": ","}, ["1,5", "12", "1.5", "1,5,5"], [1.5, 12, None, None]),
        ({"decimal": ",", "thousands": "."}, ["1.234,5", "1.5", "12.345"], [1234.5, None, 12345]),
        ({"thousands": " "}, ["1 234", "1 23"], [1234, None]),
        ({}, ["1,234", "1.5"], [None, 1.5]),
    ],
)
def test_marks_in_numbers_are_declared(tmp_path: Path, layout: dict[str, str], cells: list[str], values: list) -> None:
    items = ITEMS.replace(",14,99,", ",0,9999999,")
    rows = [{"id": f"m{n}", "q5": cell} for n, cell in enumerate(cells)]
    found = answers(tmp_path, rows, {"layout": layout}, items=items)
    assert [None if v != v else v for v in found.frame["age"]] == values


def test_two_equal_marks_are_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="the same sign"):
        answers(tmp_path, [{}], {"layout": {"decimal": ",", "thousands": ","}})


TIMED = {"columns": ANSWERS["columns"] | {"at": "submitted"}}


def test_answers_of_another_time(tmp_path: Path) -> None:
    days = ["2024-02-29", "2024-04-16", "2024-04-17", "2024-02-27", "2024-03-05", ""]
    rows = [{"id": f"m{n}", "at": day} for n, day in enumerate(days)]
    assert notes(answers(tmp_path / "a", rows, TIMED)) == {"outside_fieldwork": 2}
    with pytest.raises(Refused, match=r"40\.00% of the answers were not given in this wave's fieldwork") as caught:
        answers(tmp_path / "b", rows, TIMED, rules={})
    assert "调查期内（2024-03-01 至 2024-04-15）" in str(caught.value)
    decision = {"rule": "outside_fieldwork_share", "accept": "answers.csv", "office": "A", "why": "B"}
    assert adds_up(answers(tmp_path / "c", rows, TIMED, rules={}, wave={"decisions": [decision]}))


def test_member_numbers_that_a_spreadsheet_has_spoilt(tmp_path: Path) -> None:
    numbers = [*(f"{n:06}" for n in range(100000, 100020)), "123", "77"]
    found = answers(tmp_path / "a", [{"id": number} for number in numbers])
    assert notes(found) == {"short_numbers": 2}
    even = [{"id": str(n)} for n in range(95, 105)]  # numbers that count up are no lost noughts
    assert notes(answers(tmp_path / "b", even)) == {}
    rounded = [{"id": f"{n}"} for n in (110101199001010000, 330106198505120000)]
    with pytest.raises(Refused, match="rounded them"):
        answers(tmp_path / "c", rounded)
    assert adds_up(answers(tmp_path / "d", [*rounded, {"id": "110101199001011234"}]))


def test_rows_without_an_answer_and_answers_broken_off(tmp_path: Path) -> None:
    nothing = dict.fromkeys(("q1", "q2", "q3", "q4", "q5", "q6", "q7"), "")
    found = answers(tmp_path, [{"id": "m1"}, {"id": "m2"} | nothing, {"id": "m3"} | nothing | {"q7": "words"}])
    assert reasons(found) == {3: "unanswered"}
    assert adds_up(found)


def test_people_below_the_studys_age(tmp_path: Path) -> None:
    rows = [{"id": f"m{n}", "q5": age} for n, age in enumerate(["13", "14", "", "x"])]
    rule = {"rules": {"least_age": {"item": "age", "years": 14}, "set_aside_share": 1, "out_of_range_share": 1}}
    found = answers(tmp_path / "a", rows, **rule)
    assert reasons(found) == {2: "too_young"}
    for name, item in (("b", "bel1"), ("c", "nothing")):
        with pytest.raises(Refused, match=r"must be a number|is not in instrument"):
            answers(tmp_path / name, rows, rules={"least_age": {"item": item, "years": 14}})


def test_rows_that_the_office_names_as_tests(tmp_path: Path) -> None:
    rows = [{"id": f"m{n}", "from": said} for n, said in enumerate(["web", "内部测试", " test ", ""])]
    found = answers(tmp_path / "a", rows, {"tests": {"from": ["内部测试", "test"]}})
    assert reasons(found) == {3: "test", 4: "test"}
    with pytest.raises(Refused, match="not in the header: nowhere"):
        answers(tmp_path / "b", rows, {"tests": {"nowhere": ["x"]}})


def routed(*conditions: tuple[str, str]) -> str:
    """The instrument with a condition behind some items."""
    behind = {"item": "asked_if"} | dict(conditions)
    return "".join(f"{line},{behind.get(line.partition(',')[0], '')}\n" for line in ITEMS.splitlines())


def test_answers_of_people_to_whom_the_question_was_not_put(tmp_path: Path) -> None:
    items = routed(("job", "bel1=4 5"), ("age", "used=1"))
    rows = [
        {"q1": "4", "q3": "NO", "q4": "1;2", "q5": "30"},
        {"q1": "2", "q3": "NO", "q4": "2", "q5": "30"},
        {"q1": "", "q3": "NO", "q4": "", "q5": "30"},  # nobody knows whether they were asked
        {"q1": "2", "q3": "", "q4": "2", "q5": ""},
    ]
    found = answers(tmp_path, [{"id": f"m{n}"} | row for n, row in enumerate(rows)], items=items)
    assert found.frame["job"].fillna("-").tolist() == ["NO", "-", "NO", "-"]
    assert found.frame["age"].fillna(0).tolist() == [30, 0, 30, 0]
    assert found.cells["not_asked"] == 2


@pytest.mark.parametrize(
    ("item", "condition", "told"),
    [
        ("bel1", "job=NO", "stands above it"),
        ("job", "bel1=7", "stands above it"),
        ("job", "nothing=1", "which is no item"),
        ("job", "bel1", "must be written item=code"),
        ("job", "job=NO", "stands above it"),
    ],
)
def test_conditions_that_lead_nowhere(tmp_path: Path, item: str, condition: str, told: str) -> None:
    with pytest.raises(Refused, match=told) as caught:
        answers(tmp_path, [{}], items=routed((item, condition)))
    assert "asked_if" in str(caught.value)


def test_times_of_activities_that_cannot_be(tmp_path: Path) -> None:
    entry = {
        "columns": {"who": "member", "what": "activity", "org": "group", "place": "region", "at": "start", "to": "end"}
    }
    rows = [
        ("m1", "a1", "2024-03-05 10:00", "2024-03-05 12:00"),
        ("m1", "a2", "2024-03-05 11:00", "2024-03-05 13:00"),  # m1 is in two places
        ("m2", "a1", "2024-03-05 10:00", "2024-03-05 09:00"),
        ("m3", "a1", "2024-03-05 10:00", "2024-03-07 10:00"),
        ("m4", "a1", "2024-03-05 10:00", "1970-01-01"),
        ("m4", "a2", "2024-03-05 12:00", "2024-03-05 13:00"),
    ]
    found = log(tmp_path, [dict(zip(("who", "what", "at", "to"), row, strict=True)) for row in rows], entry)
    assert reasons(found) == {4: "ends_before_start"}
    assert notes(found) == {"longer_than_a_day": 1, "two_places_at_once": 1}
    assert found.cells["default_time"] == 1


def test_names_that_come_near_are_named(tmp_path: Path) -> None:
    rows = [{"id": "m1", "org": "Wimen"}, {"id": "m2", "org": "navy"}, {"id": "m3", "place": "Hil"}]
    found = answers(tmp_path, rows)
    assert found.aside[["row", "reason", "nearest"]].to_numpy().tolist() == [
        [2, "unknown_group", "women"],
        [3, "unknown_group", ""],
        [4, "unknown_region", "990104"],
    ]
    with pytest.raises(Refused, match="Nearest units that the study knows: 990104, women"):
        answers(tmp_path / "strict", rows, rules={})


def test_a_summary_is_no_table_of_answers(tmp_path: Path) -> None:
    rows = [{"id": f"m{n}"} for n in range(30)]
    for n in (5, 15, 25):
        rows[n] = {"id": "小计", "org": "", "place": ""}
    assert adds_up(answers(tmp_path / "a", [*rows, {"id": "last"}], rules={"total_share": 0.1}))
    with pytest.raises(Refused, match="3 of 30 rows are totals or averages"):
        answers(tmp_path / "b", rows, rules={})


def test_doubtful_answers_are_told_from_the_others_in_the_panel(tmp_path: Path) -> None:
    rows = [[3] * 20, [1 + n % 5 for n in range(20)], [3] * 19 + [4]]
    assert battery(tmp_path / "a", rows).frame["answering"].tolist() == ["doubtful", "undoubted", "undoubted"]
    timed = [{"id": f"m{n}", "t": str(s)} for n, s in enumerate([300, 300, 300, 20])]
    entry = {"columns": ANSWERS["columns"] | {"t": "seconds"}}
    assert answers(tmp_path / "b", timed, entry).frame["answering"].tolist() == [*["undoubted"] * 3, "doubtful"]
