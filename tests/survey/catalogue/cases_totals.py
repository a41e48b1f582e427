"""Cases 34-38: rows and cells of a table that are no answers: totals, hidden rows, formulas, errors."""

from __future__ import annotations

from typing import Any

from tests.survey.catalogue.books import send, table_of, with_cell, workbook
from tests.survey.catalogue.ground import Folder, case


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
