"""Cases 61-65, 88 and 89: numbers of members, and who is in which file."""

from __future__ import annotations

import copy

from tests.survey.builders import LOG
from tests.survey.catalogue.books import send, table_of, workbook
from tests.survey.catalogue.ground import Folder, case
from tests.survey.catalogue.waves import BEFORE, a_year_before, add_wave_before, some

LONG = 330102199001010000
TEXT, TEXT_ZH = "Export the column as text", "请把该列按文本导出"


def number(f: Folder, form: str) -> None:
    """Give the members other numbers, in answers and log."""
    for rows, column in ((f.answers, "id"), (f.log, "who")):
        for n, row in enumerate(rows):
            row[column] = form.format(n)


def resident(n: int) -> str:
    """A resident's id number: born on one of 28 days of March 1990."""
    body = f"3301061990{3:02}{1 + n % 28:02}{n:03}"
    return body + "10X98765432"[sum(int(d) * 2 ** (17 - k) for k, d in enumerate(body)) % 11]


def identified(f: Folder) -> None:
    """Give the members residents' id numbers, in answers and log."""
    for rows, column in ((f.answers, "id"), (f.log, "who")):
        for n, row in enumerate(rows):
            row[column] = resident(n)


def before(f: Folder) -> None:
    """Let there be a wave before, in which nearly all who consented stand in the log."""
    log = copy.deepcopy(LOG)
    rows = [row | {"what": f"b{n}", "at": "2023-03-05 10:00"} for n, row in enumerate(f.log[:110])]
    content = f.csv(rows=rows)
    add_wave_before(f, a_year_before(f), files=[copy.deepcopy(f.entry), log])
    f.then.append(lambda study: (study / BEFORE / "log.csv").write_text(content, "utf-8"))


@case(
    "61",
    "ids of 18 digits that a spreadsheet has rounded",
    "refused",
    ("answers.csv", "15 digits", TEXT),
    ("answers.csv", "15 位", TEXT_ZH),
)
def _(f: Folder) -> None:
    number(f, "330102199{:03}000000")


@case(
    "61a",
    "ids of 18 digits as 3.30102E+17",
    "refused",
    ("answers.csv", "powers of ten", TEXT),
    ("answers.csv", "科学计数", TEXT_ZH),
)
def _(f: Folder) -> None:
    number(f, "3.301{:03}E+17")


@case("61b", "ids of 18 digits as numbers of a workbook", "refused", ("answers.xlsx", TEXT), ("answers.xlsx", TEXT_ZH))
def _(f: Folder) -> None:
    table = table_of(f)
    for n, row in enumerate(table[1:]):
        row[0] = float(LONG + 10_000_000 * n + 1234)
    send(f, workbook(table))


@case(
    "62",
    "leading noughts lost in some numbers",
    "warned",
    ("4 member numbers are shorter than the others", "leading noughts"),
    ("4 个会员编号比其他的短", "开头的 0"),
)
def _(f: Folder) -> None:
    number(f, "9{:06}")
    some(f, "id", "12", "345", "67", "89")


@case(
    "62a",
    "numbers with leading noughts in a workbook, as text",
    "repaired",
    "answers.xlsx: plain, workbook",
    "answers.xlsx: 来源 plain，workbook",
)
def _(f: Folder) -> None:
    number(f, "{:08}")
    send(f, workbook(table_of(f)))


@case("63", "ids in full width and with a small x", "repaired", "2 cells mended", "2 个单元格已修正")
def _(f: Folder) -> None:
    some(f, "id", "ｃａｎａｒｙ００００", "ＣＡＮＡＲＹ０００１", "canary 0002x")


@case(
    "63a",
    "an id of 18 signs with a wrong check digit, among such ids",
    "set aside",
    ("answers.csv", "rows with a number that cannot be right", "(row 5)"),
    ("号码有误的行", "（第 5 行）"),
)
def _(f: Folder) -> None:
    identified(f)
    right = f.answers[3]["id"]
    f.answers[3]["id"] = right[:-1] + ("1" if right[-1] != "1" else "2")


@case(
    "63b",
    "many ids with a wrong check digit",
    "refused",
    ("5.00% of the rows would be set aside", "cannot be right", "looked up where the list is kept"),
    ("将有 5.00% 的行被搁置", "号码有误", "请向名册保管单位核对"),
)
def _(f: Folder) -> None:
    identified(f)
    for row in f.answers[:6]:
        row["id"] = row["id"][:-1] + ("1" if row["id"][-1] != "1" else "2")


@case(
    "63c",
    "an id of 18 signs with a wrong check digit, among numbers of another form",
    "harmless",
    why="where most members have numbers of another form, nobody knows that this one was meant to be a resident's",
)
def _(f: Folder) -> None:
    some(f, "id", "110105194912310021")


@case(
    "64",
    "phone numbers as 1.38E+10",
    "refused",
    ("answers.csv", "powers of ten", TEXT),
    ("answers.csv", "科学计数", TEXT_ZH),
)
def _(f: Folder) -> None:
    number(f, "1.39{:03}E+10")


@case(
    "64a",
    "phone numbers in a column of the log that is kept",
    "refused",
    ("log.csv", "phone numbers", "what", "Remove them"),
    ("log.csv", "手机号", "what", "请删除"),
)
def _(f: Folder) -> None:
    for row in f.log:
        row["what"] = "13912345678"


@case(
    "65",
    "answers without a member number",
    "harmless",
    why="an answer counts whoever gave it; it is not linked, and the linkage table counts it as one without an id",
)
def _(f: Folder) -> None:
    some(f, "id", "", " ", "-")


@case(
    "65a",
    "log rows without a member number",
    "set aside",
    ("rows without a member number", "(row 2, 3)"),
    ("没有会员编号", "（第 2, 3 行）"),
)
def _(f: Folder) -> None:
    f.log[0]["who"], f.log[1]["who"] = "", "-"


@case(
    "88",
    "log rows of people who did not answer",
    "harmless",
    why="most members do not answer; the linkage table counts those whom the log knows",
)
def _(f: Folder) -> None:
    f.log += [row | {"who": f"canary-other{n}"} for n, row in enumerate(f.log[:40])]


@case(
    "89",
    "ids written in another form in the log: 92 % were found the wave before, 40 % are now",
    "warned",
    ("id form or key changed?", "None of the 120 answers is linked", "rule: linkage"),
    ("编号写法或密钥是否变了", "120 份答卷均未与活动记录关联", "rule: linkage"),
    same=True,
)
def _(f: Folder) -> None:
    before(f)
    for row in f.log[48:]:
        row["who"] = f"N{row['who']}"


@case(
    "89a",
    "the same, and an office accepts it",
    "harmless",
    why="the office's decision and its reason stand in the report",
)
def _(f: Folder) -> None:
    before(f)
    for row in f.log[48:]:
        row["who"] = f"N{row['who']}"
    f.wave["decisions"] = [{"rule": "linkage", "accept": "log.csv", "office": "Office 1", "why": "halls were closed"}]


@case(
    "89b",
    "ids written in another form in the log of a first wave",
    "warned",
    ("none of the 120 members who consented is found in the log",),
    ("同意关联的 120 人在活动记录中一个也找不到",),
    same=True,
)
def _(f: Folder) -> None:
    for n, row in enumerate(f.log):
        row["who"] = f"N{n:09}"
