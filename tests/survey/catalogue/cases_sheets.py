"""Cases 26-38: packed files, Parquet, workbooks."""

from __future__ import annotations

import gzip
from typing import Any

from openpyxl.styles import Protection

from tests.survey.catalogue.books import parquet, send, table_of, with_cell, with_part, workbook
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


@case(
    "34",
    "a row of totals at the end: 合计",
    "set aside",
    ("1 totals or averages", "row 122"),
    ("合计或平均行", "第 122 行"),
    why="sums of answers mean nothing, so they are not compared; sums of the registry are, between levels of places",
)
def _(f: Folder) -> None:
    f.answers.append({"id": "合计", "q1": "360", "q5": "5940"})


@case(
    "34a",
    "an average at the end, its label in a column of its own",
    "set aside",
    ("totals", "row 122"),
    ("平均", "第 122 行"),
)
def _(f: Folder) -> None:
    for row in f.answers:
        row["区"] = "东"
    f.answers.append({"区": "平均", "q1": "3.0", "q5": "49.5"})


@case(
    "34b", "a total at the end of the registry", "set aside", ("registry.csv: set aside: 1 totals", "row 8"), "第 8 行"
)
def _(f: Folder) -> None:
    f.registry.append({"org": "总计", "n": "600", "money": "33"})


@case(
    "35",
    "subtotals between blocks",
    "refused",
    ("8 of 128 rows are totals or averages", "total_share"),
    ("128 行中有 8 行是合计", "total_share"),
)
def _(f: Folder) -> None:
    _subtotals(f)


@case("35a", "subtotals, accepted by an office", "set aside", "8 totals or averages (row 17,", "合计或平均行（第 17,")
def _(f: Folder) -> None:
    _subtotals(f)
    f.wave["decisions"] = [
        {"rule": "total_share", "accept": "answers.csv", "office": "Survey office", "why": "as agreed"}
    ]


def _subtotals(f: Folder) -> None:
    for n in range(8):
        f.answers.insert(16 * n + 15, {"id": "小计", "q5": "450"})


@case(
    "36",
    "rows hidden by a filter",
    "warned",
    ("5 rows are hidden", "read like the others"),
    ("5 行在工作表中被隐藏", "照常读入"),
)
def _(f: Folder) -> None:
    def hide(book: Any) -> None:
        book["S1"].auto_filter.ref = f"A1:M{len(f.answers) + 1}"
        for row in range(10, 15):
            book["S1"].row_dimensions[row].hidden = True

    send(f, workbook(table_of(f), change=hide))


@case(
    "37",
    "formulas without values",
    "refused",
    ("answers.xlsx", "formulas without values", "save it"),
    ("未计算的公式", "保存"),
)
def _(f: Folder) -> None:
    table = table_of(f)
    for row in table[1:]:
        row[4] = "=2+2"
    send(f, workbook(table))


@case("37a", "formulas with the values that were saved", "repaired", "plain, workbook, S1", "plain，workbook, S1")
def _(f: Folder) -> None:
    send(f, with_cell(workbook(table_of(f)), "E2", '<c r="E2"><f>2-1</f><v>1</v></c>'))


@case(
    "38",
    "#N/A in a cell of a workbook",
    "warned",
    ("answers.xlsx", "1 cells", "q1: row 2"),
    ("1 个单元格", "q1：第 2 行"),
)
def _(f: Folder) -> None:
    send(f, with_cell(workbook(table_of(f)), "E2", '<c r="E2" t="e"><v>#N/A</v></c>'))


@case(
    "38a", "#REF! and #DIV/0! in a CSV", "warned", ("2 cells", "q1: row 2", "q5: row 3"), ("q1：第 2 行", "q5：第 3 行")
)
def _(f: Folder) -> None:
    f.answers[0]["q1"] = "#REF!"
    f.answers[1]["q5"] = "#DIV/0!"


@case(
    "38b",
    "#REF! in a whole column",
    "refused",
    ("column “q1” (bel1)", "first rows 2, 3, 4"),
    ("列“q1”（bel1）", "2, 3, 4"),
)
def _(f: Folder) -> None:
    for row in f.answers:
        row["q1"] = "#REF!"


@case("38c", "#N/A for members' numbers", "refused", ("#N/A", "column “id” (member)"), ("#N/A", "列“id”（member）"))
def _(f: Folder) -> None:
    for row in f.answers[:10]:
        row["id"] = "#N/A"
