"""Cases 26-33: packed files, Parquet, workbooks."""

from __future__ import annotations

import gzip
from typing import Any

from openpyxl.styles import Protection

from tests.survey.catalogue.books import parquet, send, table_of, with_part, workbook
from tests.survey.catalogue.compound import encrypted
from tests.survey.catalogue.ground import Folder, case

WIDTH = 13  # columns of the answers


@case(
    "26",
    "a gz that breaks off",
    "refused",
    ("answers.csv", "packed", "unpack it"),
    ("压缩包", "请解压"),
    why="nothing packed is read, whole or broken: who unpacks it is told by that program that it breaks off",
)
def _(f: Folder) -> None:
    packed = gzip.compress(f.csv().encode())
    f.send(packed[: len(packed) // 2])
    f.rename("answers.csv.gz")


@case(
    "27",
    "a Parquet file that breaks off",
    "refused",
    ("answers.parquet", "damaged or incomplete"),
    ("不完整", "重新导出"),
)
def _(f: Folder) -> None:
    whole = parquet(f)
    send(f, whole[: len(whole) * 2 // 3], "answers.parquet")


@case("27a", "a whole Parquet file", "repaired", "plain, parquet", "plain，parquet")
def _(f: Folder) -> None:
    send(f, parquet(f), "answers.parquet")


@case(
    "28",
    "a Parquet file with one byte turned over",
    "refused",
    ("answers.parquet", "damaged"),
    ("已损坏", "重新导出"),
    why="known by the checksums of its pages; where a program writes none, the digest that intake keeps tells later changes alone",
)
def _(f: Folder) -> None:
    whole = bytearray(parquet(f, write_page_checksum=True, use_dictionary=False, compression="none"))
    place = whole.index(b"union")
    whole[place] ^= 0x01
    send(f, bytes(whole), "answers.parquet")


@case("29", "an XLSX called .csv", "repaired", "plain, workbook, S1", "plain，workbook, S1")
def _(f: Folder) -> None:
    f.send(workbook(table_of(f)))


@case(
    "29a", "a web page called .xls", "refused", ("answers.xls", "web page", "save it as XLSX"), ("网页", "另存为 XLSX")
)
def _(f: Folder) -> None:
    rows = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in table_of(f))
    send(f, f"<html><body><table>{rows}</table></body></html>".encode(), "answers.xls")


@case(
    "29b",
    "a CSV called .xlsx",
    "harmless",
    why="a file is what its first bytes say, whatever its name; nothing was changed",
)
def _(f: Folder) -> None:
    f.rename("answers.xlsx")


@case("30", "a workbook with a password", "refused", ("answers.xlsx", "password", "save it"), ("密码", "另存为"))
def _(f: Folder) -> None:
    send(f, encrypted())


@case("30a", "a workbook with macros", "refused", ("answers.xlsm", "macros", "save it as XLSX"), ("宏", "另存为 XLSX"))
def _(f: Folder) -> None:
    send(f, with_part(workbook(table_of(f)), "xl/vbaProject.bin", b"\xd0\xcf\x11\xe0"), "answers.xlsm")


@case("30b", "a sheet locked against changes", "repaired", "workbook, S1", "workbook, S1")
def _(f: Folder) -> None:
    def lock(book: Any) -> None:
        book["S1"].protection.set_password("x")
        book["S1"]["A1"].protection = Protection(locked=True)

    send(f, workbook(table_of(f), change=lock))


@case("31", "two sheets", "refused", ("answers.xlsx", "several sheets (S1, S2)", "layout: sheet"), ("S1, S2", "sheet"))
def _(f: Folder) -> None:
    send(f, workbook(table_of(f), [["old"]]))


@case("31a", "a second sheet that is hidden", "refused", "several sheets (S1, S2)", ("S1, S2", "sheet"))
def _(f: Folder) -> None:
    def hide(book: Any) -> None:
        book["S2"].sheet_state = "hidden"

    send(f, workbook(table_of(f), [["old"]], change=hide))


@case("31b", "a cover, and the sheet named", "repaired", "plain, workbook, S2", "plain，workbook, S2")
def _(f: Folder) -> None:
    f.entry["layout"] = {"sheet": "S2"}
    send(f, workbook([["Survey 2024"], ["for the federation"]], table_of(f)))


@case(
    "31c",
    "a sheet named that is not there",
    "refused",
    ("no sheet “S3”", "there are S1, S2"),
    ("没有工作表“S3”", "S1, S2"),
)
def _(f: Folder) -> None:
    f.entry["layout"] = {"sheet": "S3"}
    send(f, workbook(table_of(f), [["old"]]))


@case(
    "32",
    "a header of two rows with merged cells",
    "refused",
    ("row 1", "column 2 has no name", "layout: header_row"),
    ("第 1 行", "第 2 列没有列名", "header_row"),
    why="the first rows are not shown: a row below the header is somebody's answers",
)
def _(f: Folder) -> None:
    send(f, workbook([["About you", *[None] * (WIDTH - 1)], *table_of(f)], change=_merge))


def _merge(book: Any) -> None:
    book["S1"].merge_cells(start_row=1, start_column=1, end_row=1, end_column=WIDTH)


@case("32a", "a header of two rows, the second declared", "repaired", "workbook, S1", "workbook, S1")
def _(f: Folder) -> None:
    f.entry["layout"] = {"header_row": 2}
    send(f, workbook([["About you", *[None] * (WIDTH - 1)], *table_of(f)], change=_merge))


@case(
    "33",
    "title rows above the header",
    "refused",
    ("answers.csv", "header_row"),
    ("answers.csv", "header_row"),
    why="the first rows are not shown: they may be somebody's answers",
)
def _(f: Folder) -> None:
    f.send("Survey of members 2024\n\n" + f.csv())


@case(
    "33a", "title rows above the header, in a workbook", "refused", ("row 1", "header_row"), ("第 1 行", "header_row")
)
def _(f: Folder) -> None:
    send(f, workbook([["Survey of members 2024"], [], *table_of(f)]))


@case(
    "33b", "title rows above the header, declared", "harmless", why="the header's row is declared: nothing is in doubt"
)
def _(f: Folder) -> None:
    f.entry["layout"] = {"header_row": 3}
    f.send("Survey of members 2024\n\n" + f.csv())


@case("33c", "a note below the table", "set aside", ("1 rows shorter than the header", "row 123"), ("第 123 行",))
def _(f: Folder) -> None:
    f.send(f.csv() + "\nSource: office of the survey\n")


@case("33d", "a note below the table, in a workbook", "set aside", "row 123", "第 123 行")
def _(f: Folder) -> None:
    send(f, workbook([*table_of(f), [], ["Source: office of the survey"]]))
