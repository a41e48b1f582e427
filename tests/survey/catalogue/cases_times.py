"""Cases 74-82: times and days, of answers and of the log."""

from __future__ import annotations

from datetime import datetime

import openpyxl

from tests.survey.catalogue.books import send, table_of, workbook
from tests.survey.catalogue.ground import Folder, case
from tests.survey.catalogue.waves import in_log, some

NO_TIME, NO_TIME_ZH = "rows without a readable time", "没有可识别的时间"
LAYOUT, LAYOUT_ZH = "Say under layout how they are written (times: dmy", "请在 layout 中写明（times：dmy"
DAY_1904 = 1462  # days between the two calendars of workbooks


def as_serial(f: Folder) -> None:
    """Times as days since 1900, as a spreadsheet keeps them."""
    for row in f.answers:
        row["at"] = f"{(datetime.fromisoformat(row['at']) - datetime(1899, 12, 30)).total_seconds() / 86400:.6f}"


@case("74", "days written in six ways, each of which can be read in one way", "harmless")
def _(f: Folder) -> None:
    days = ("2024-03-05", "2024/3/5", "2024.3.5", "20240305", "5 Mar 2024", "2024年3月5日", "2024年3月5日 10:30")
    some(f, "at", *days)
    in_log(f, "at", *days)


@case(
    "75",
    "05/03/2024 in the answers",
    "refused",
    ("answers.csv", "“at” (submitted)", "100.00% of its cells", LAYOUT),
    ("answers.csv", "“at”（submitted）", "100.00% 的单元格", LAYOUT_ZH),
)
def _(f: Folder) -> None:
    for n, row in enumerate(f.answers):
        row["at"] = f"{1 + n % 28:02}/03/2024"


@case(
    "75a",
    "05/03/2024 in the log",
    "refused",
    ("log.csv", "100.00% of the rows", NO_TIME, LAYOUT, "first rows 2, 3"),
    ("log.csv", "100.00% 的行", NO_TIME_ZH, LAYOUT_ZH, "最前几行：2, 3"),
)
def _(f: Folder) -> None:
    in_log(f, "at", *["05/03/2024 10:00"] * len(f.log))


@case("75b", "05/03/2024, the order declared", "harmless")
def _(f: Folder) -> None:
    for n, row in enumerate(f.answers):
        row["at"] = f"{1 + n % 28:02}/03/2024"
    f.entry["layout"] = {"times": "dmy"}


@case("76", "days of a spreadsheet (45356.4), declared", "harmless")
def _(f: Folder) -> None:
    as_serial(f)
    f.entry["layout"] = {"times": "excel"}


@case(
    "76a",
    "days of a spreadsheet, not declared",
    "refused",
    ("“at” (submitted)", "100.00%", LAYOUT),
    ("“at”（submitted）", "100.00%", LAYOUT_ZH),
)
def _(f: Folder) -> None:
    as_serial(f)


@case(
    "76b",
    "days of a spreadsheet of 1904, declared as of 1900",
    "refused",
    ("100.00% of the answers", "outside_fieldwork_share"),
    ("100.00% 的答卷", "outside_fieldwork_share"),
)
def _(f: Folder) -> None:
    as_serial(f)
    for row in f.answers:
        row["at"] = str(float(row["at"]) - DAY_1904)
    f.entry["layout"] = {"times": "excel"}


@case(
    "76c",
    "a workbook with cells that are days, of 1904",
    "repaired",
    "answers.xlsx: plain, workbook",
    "answers.xlsx: 来源 plain，workbook",
)
def _(f: Folder) -> None:
    table = table_of(f)
    place = table[0].index("at")
    for row in table[1:]:
        row[place] = datetime.fromisoformat(str(row[place]))  # type: ignore[call-overload]

    def of_1904(book: openpyxl.Workbook) -> None:
        book.epoch = openpyxl.utils.datetime.CALENDAR_MAC_1904

    send(f, workbook(table, change=of_1904))


@case(
    "77",
    "two-digit years, years of the Republic and of Reiwa",
    "set aside",
    (NO_TIME, "(row 2, 3)"),
    (NO_TIME_ZH, "（第 2, 3 行）"),
)
def _(f: Folder) -> None:
    in_log(f, "at", "24-03-05 10:00", "民国113年3月5日")


@case(
    "77a",
    "令和6年, and a day of the moon's calendar",
    "set aside",
    (NO_TIME, "(row 2, 3)"),
    (NO_TIME_ZH, "（第 2, 3 行）"),
)
def _(f: Folder) -> None:
    in_log(f, "at", "令和6年3月5日", "正月初五")


@case(
    "78",
    "1900-01-01 and 1970-01-01 in the answers",
    "warned",
    ("2 cells with a day that programs write", "(at: row 2, 3)"),
    ("2 个单元格是程序的默认日期", "（at：第 2, 3 行）"),
    same=True,
)
def _(f: Folder) -> None:
    some(f, "at", "1900-01-01", "1970-01-01 00:00:00")


@case("78a", "9999-12-31 in the log", "set aside", (NO_TIME, "(row 2)", "(at: row 2)"), (NO_TIME_ZH, "（第 2 行）"))
def _(f: Folder) -> None:
    in_log(f, "at", "9999-12-31")


@case(
    "79",
    "a day to come in the log",
    "set aside",
    ("more than a year after the fieldwork", "(row 2)"),
    ("调查结束一年以后", "（第 2 行）"),
    why="measured from the fieldwork, so that the day on which it is checked changes nothing",
)
def _(f: Folder) -> None:
    in_log(f, "at", "2042-03-05 10:00")


@case(
    "79a",
    "a day to come in the answers",
    "warned",
    ("1 answers", "outside the fieldwork"),
    "1 份答卷不在调查期内",
    same=True,
    why="the answer itself is sound; its day is told",
)
def _(f: Folder) -> None:
    some(f, "at", "2042-03-05 10:00")


@case(
    "80",
    "31 February, and a minute of 61 seconds",
    "set aside",
    (NO_TIME, "(row 2, 3)"),
    (NO_TIME_ZH, "（第 2, 3 行）"),
)
def _(f: Folder) -> None:
    in_log(f, "at", "2024-02-31 10:00", "2024-03-05 10:00:61")


@case("80a", "24:00", "harmless", why="the beginning of the next day and nothing else")
def _(f: Folder) -> None:
    in_log(f, "at", "2024-03-05 24:00")
    some(f, "at", "2024-03-05 24:00:00")


@case(
    "81",
    "Z, +08:00 and no zone in one column",
    "harmless",
    why="a time says its zone or is in the study's, so none is in doubt",
)
def _(f: Folder) -> None:
    some(f, "at", "2024-03-05T02:00:00Z", "2024-03-05T10:00:00+08:00", "2024-03-05 10:00")
    in_log(f, "at", "2024-03-05T02:00:00Z", "2024-03-05T10:00:00+0800", "2024-03-05 10:00")


@case(
    "82",
    "a day that is another one in UTC",
    "harmless",
    why="the local day decides: 16 April 23:59 is still within the fieldwork and a day",
)
def _(f: Folder) -> None:
    some(f, "at", "2024-04-16T15:59:00Z", "2024-02-28T16:01:00Z")


@case(
    "82a",
    "a day that is another one in UTC, beyond the fieldwork",
    "warned",
    "2 answers were given outside",
    "2 份答卷不在调查期内",
    same=True,
)
def _(f: Folder) -> None:
    some(f, "at", "2024-04-16T16:01:00Z", "2024-02-28T15:59:00Z")
