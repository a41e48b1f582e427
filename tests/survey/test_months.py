"""Months as they are written: what they mean, what they are called, and what is refused."""

from __future__ import annotations

import pandas as pd
import pytest

from survey import Refused
from survey.months import last_full, read_months


@pytest.mark.parametrize(
    ("text", "name", "days", "en", "zh"),
    [
        ("2026-07..08", "2026-07..08", 62, "July to August 2026", "2026年7—8月"),
        (" 2024-02 ", "2024-02", 29, "February 2024", "2024年2月"),
        ("2026-12..2027-01", "2026-12..2027-01", 62, "December 2026 to January 2027", "2026年12月—2027年1月"),
        ("2026-03..2026-03", "2026-03", 31, "March 2026", "2026年3月"),
        ("2025-01..12", "2025-01..12", 365, "January to December 2025", "2025年1—12月"),
    ],
)
def test_what_is_written_is_read(text: str, name: str, days: int, en: str, zh: str) -> None:
    months = read_months(text)
    assert (months.name, months.days, months.titles) == (name, days, {"en": en, "zh": zh})
    assert read_months(months.name) == months
    assert months.closes - months.first == pd.Timedelta(days=days) - pd.Timedelta(microseconds=1)


@pytest.mark.parametrize(
    "text",
    ["", "2026", "2026-7", "2026-13", "2026-00", "2026-08..07", "2026-01..2027-01", "2026-07-01", "0000-01", "last"],
)
def test_what_names_no_months_is_refused_in_words(text: str) -> None:
    with pytest.raises(Refused, match=r"--period\n.*write 2026-07, 2026-07\.\.08 or 2026-12\.\.2027-01"):
        read_months(text)


def test_the_same_months_of_another_year() -> None:
    assert read_months("2024-02").before(1).days == 28
    assert read_months("2026-12..2027-01").before(2).name == "2024-12..2025-01"


@pytest.mark.parametrize(
    ("last", "name"),
    [
        ("2024-04-30 20:30", "2024-03..04"),
        ("2024-04-24 00:00", "2024-03..04"),
        ("2024-04-23 10:00", "2024-02..03"),
        ("2024-01-02", "2023-11..12"),
        ("2023-12-31 23:59:59", "2023-11..12"),
    ],
)
def test_a_month_that_has_just_begun_is_none_of_the_last_full_ones(last: str, name: str) -> None:
    assert last_full(pd.Timestamp(last)).name == name
