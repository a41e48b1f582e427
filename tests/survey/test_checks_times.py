"""Times in every form that arrives: read to the minute, or not at all."""

from __future__ import annotations

import pandas as pd
import pytest

from survey.checks.times import times

ISO = {
    "2024-03-05": "2024-03-05", "2024/3/5": "2024-03-05", "2024.3.5": "2024-03-05", "20240305": "2024-03-05",
    "2024年3月5日": "2024-03-05", "2024 年 3 月 5 日": "2024-03-05", "2024-03-05 9:05": "2024-03-05 09:05",
    "2024/3/5 23:59:59": "2024-03-05 23:59:59", "2024-03-05T10:30:00.25": "2024-03-05 10:30",
    "2024年3月5日10:30": "2024-03-05 10:30", "20240305 10:30": "2024-03-05 10:30", "2024-02-29": "2024-02-29",
    "2024-03-05T10:30:00Z": "2024-03-05 18:30", "2024-03-05T10:30+08:00": "2024-03-05 10:30",
    "2024-03-31 20:00:00-0500": "2024-04-01 09:00", "2024-03-05T24:00": "2024-03-06", "2024-12-31 24:00:00": "2025-01-01",
    "5 Mar 2021": "2021-03-05", "05-MAR-2021 10:30": "2021-03-05 10:30", "March 5, 2021": "2021-03-05", "Sept 5 2021": "2021-09-05",
}  # fmt: skip
NO_TIMES = [
    "2024-02-31", "2024-13-01", "2023-02-29", "202435", "2024305", "2024-3/5", "24-03-05", "05/03/2024", "2024",
    "2024-03", "3月5日", "44260", "soon", "2024-03-05T25:00", "2024-03-0510:30", "1709604600", "9999-12-31T23:59-12:00",
    "2024-03-05T10:60", "0000-01-01", "2024-03-05T24:01",
    "5/Mar/2021", "5 Foo 2021", "Mar 2021", "112-03-05", "令和3年3月5日", "二〇二四年三月五日", "2024-03-05T10:30:60",
]  # fmt: skip


@pytest.mark.parametrize(("cell", "expected"), ISO.items())
def test_times_as_people_write_them(cell: str, expected: str) -> None:
    assert times(column(cell), "iso", "Asia/Shanghai")[0].tolist() == [pd.Timestamp(expected)]


@pytest.mark.parametrize("cell", NO_TIMES)
def test_what_is_no_certain_time_is_none(cell: str) -> None:
    found, met = times(column(cell), "iso", "Asia/Shanghai")
    assert (found.isna().all(), met["not_a_time"].tolist(), met["default_time"].tolist()) == (True, [True], [False])


def column(*cells: str) -> pd.Series:
    return pd.Series(cells, dtype="str")


# 1709604600 s = 2024-03-05 02:10 UTC; Excel's day 45356 = 2024-03-05, day 1 = 1899-12-31 in the calendar used.
NUMBERS = [
    ("epoch_s", "1709604600", "2024-03-05 10:10"),
    ("epoch_ms", "1709604600000", "2024-03-05 10:10"),
    ("epoch_ms", "1709604600123", "2024-03-05 10:10:00.123"),
    ("epoch_s", "1709603999.5", "2024-03-05 09:59:59.5"),
    ("excel", "45356", "2024-03-05"),
    ("excel_1904", "43894", "2024-03-05"),
    ("excel", "45356.5", "2024-03-05 12:00"),
    ("excel", "45356.999988426", "2024-03-05 23:59:59"),
]


@pytest.mark.parametrize(("form", "cell", "expected"), NUMBERS)
def test_times_as_numbers(form: str, cell: str, expected: str) -> None:
    found, _ = times(column(cell, "", "x", "-5", "1e99", "inf", "2024-03-05"), form, "Asia/Shanghai")
    assert found.dtype == "datetime64[us]"
    assert found.tolist()[0] == pd.Timestamp(expected)
    assert found[1:].isna().all()


def test_clocks_that_go_back() -> None:
    found, _ = times(column("2024-10-27T00:30Z", "2024-10-27T01:30Z"), "iso", "Europe/Rome")
    assert found.tolist() == [pd.Timestamp("2024-10-27 02:30")] * 2


DECLARED = [
    ("dmy", "05/03/2021", "2021-03-05"),
    ("dmy", "5.3.2021 9:05", "2021-03-05 09:05"),
    ("dmy", "2021-03-05", "2021-03-05"),
    ("mdy", "03/05/2021", "2021-03-05"),
    ("mdy", "12-31-2021 24:00", "2022-01-01"),
]


@pytest.mark.parametrize(("form", "cell", "expected"), DECLARED)
def test_the_order_of_day_and_month_is_declared(form: str, cell: str, expected: str) -> None:
    found, met = times(column(cell, "13/13/2021", "05/03/21"), form, "Asia/Shanghai")
    assert found.tolist()[0] == pd.Timestamp(expected)
    assert met["not_a_time"].tolist() == [False, True, True]


DEFAULTS = [
    ("iso", "1900-01-01"),
    ("iso", "1970-01-01 00:00"),
    ("iso", "9999-12-31"),
    ("iso", "1899-12-30"),
    ("excel", "1"),
]
DEFAULTS += [("epoch_s", "0"), ("epoch_ms", "0"), ("iso", "0001-01-01")]


@pytest.mark.parametrize(("form", "cell"), DEFAULTS)
def test_days_that_programs_write_where_they_know_none(form: str, cell: str) -> None:
    found, met = times(column(cell, ""), form, "Asia/Shanghai")
    assert (found.isna().all(), met["default_time"].tolist(), met["not_a_time"].sum()) == (True, [True, False], 0)
