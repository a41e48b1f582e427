"""Cases 61-69, 88-92 and 116: numbers of members, people twice, people in a hurry, and who is in which file."""

from __future__ import annotations

import copy
import random

from tests.survey.catalogue.books import send, table_of, workbook
from tests.survey.catalogue.ground import Folder, case
from tests.survey.catalogue.waves import add_items, some

TWICE = ("second answers of the same person", "the fullest is kept", "(row 3)")
TWICE_ZH = ("同一会员的重复答卷", "（第 3 行）")
LINK = "the answers are whole; how many could be linked to the log is told in a later issue"
LONG = 330102199001010000
TEXT, TEXT_ZH = "Export the column as text", "请把该列按文本导出"


def number(f: Folder, form: str) -> None:
    """Give the members other numbers, in answers and log."""
    for rows, column in ((f.answers, "id"), (f.log, "who")):
        for n, row in enumerate(rows):
            row[column] = form.format(n)


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
    "an id of 18 signs with a wrong check digit",
    "harmless",
    why=f"nothing hangs on the number but the link: {LINK}",
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


@case("65", "answers without a member number", "harmless", why=f"an answer counts whoever gave it: {LINK}")
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


@case("66", "one member, two different answers", "set aside", TWICE, TWICE_ZH)
def _(f: Folder) -> None:
    some(f, "id", "canary0000", "canary0000")


@case(
    "66a",
    "one member in two files of the wave",
    "set aside",
    ("second answers", "(row 2)"),
    ("重复答卷", "（第 2 行）"),
)
def _(f: Folder) -> None:
    f.wave["files"].append(f.entry | {"file": "more.csv"})
    f.raw["more.csv"] = f.csv(rows=[f.answers[0] | {"q1": "1"}, f.answers[1] | {"id": "canary-late"}]).encode()


@case(
    "66b",
    "many members twice: another column is mapped to member",
    "refused",
    ("answers.csv", "second answers of the same person", "Is the right column mapped to member", "set_aside_share"),
    ("answers.csv", "同一会员的重复答卷", "member 对应的列是否正确", "set_aside_share"),
)
def _(f: Folder) -> None:
    for n, row in enumerate(f.answers):
        row["id"] = f"canary{n // 2}"


@case(
    "67",
    "the same answer sent twice",
    "repaired",
    ("rows that stand there already", "(row 122)"),
    ("与前面重复的行", "（第 122 行）"),
)
def _(f: Folder) -> None:
    f.answers.append(f.answers[7])


@case(
    "68",
    "the same answers to everything under two ids",
    "warned",
    ("3 answers are equal to an earlier one in every item", "3 more than chance would give", "they are kept"),
    ("3 份答卷与前面某份的所有答案相同", "多 3 份", "已保留"),
)
def _(f: Folder) -> None:
    names = [f"t{n}" for n in range(15)]
    add_items(f, names)
    chance = random.Random(1)
    for row in f.answers:
        row |= {name: chance.choice("12345") for name in names}
    for n in (40, 41, 42):
        own = {c: f.answers[n][c] for c in ("id", "at", "org", "place")}
        f.answers[n] = f.answers[5] | own


@case(
    "69",
    "the same code in twelve items of one kind",
    "warned",
    ("2 answers have the same code in all items of one kind", "they are kept"),
    ("2 份答卷在同类题目上全选同一选项", "已保留"),
)
def _(f: Folder) -> None:
    names = [f"t{n}" for n in range(12)]
    add_items(f, names, codes="1..4")
    for n, row in enumerate(f.answers):
        row |= {name: str(1 + (n + i) % 4) if n > 1 else "3" for i, name in enumerate(names)}


@case("69a", "answered in twenty seconds", "warned", "2 answers were given very fast", "2 份答卷作答过快", same=True)
def _(f: Folder) -> None:
    some(f, "took", "20", "19")


@case("88", "log rows of people who did not answer", "harmless", why=f"most members do not answer: {LINK}")
def _(f: Folder) -> None:
    f.log += [row | {"who": f"canary-other{n}"} for n, row in enumerate(f.log[:40])]


@case(
    "89",
    "ids written in another form in the log",
    "harmless",
    why=f"both files are right by themselves: {LINK}, and a fall of it stops linking there",
)
def _(f: Folder) -> None:
    for n, row in enumerate(f.log):
        row["who"] = f"N{n:09}"


@case(
    "90",
    "an organisation without a row in the log, named as not reporting",
    "harmless",
    why="a later issue tells which of the others sent nothing; none is ever shown as without activity",
)
def _(f: Folder) -> None:
    f.wave["not_reporting"] = ["league"]


@case(
    "91",
    "a member who answered for two organisations",
    "set aside",
    TWICE,
    TWICE_ZH,
    why="an answer counts once; membership of several is a matter of the log, where both count",
)
def _(f: Folder) -> None:
    f.answers[1] |= {"id": "canary0000", "org": "women"}


@case(
    "92",
    "a member whose log moves to another organisation",
    "harmless",
    why="each row of the log has its own organisation and day, so both are right; nothing is to be decided",
)
def _(f: Folder) -> None:
    again = copy.deepcopy(f.log[:2])
    f.log += [row | {"org": "league", "what": f"b{n}", "at": "2024-03-20 09:00"} for n, row in enumerate(again)]


@case(
    "116",
    "people under 14 in a survey from 14 on",
    "set aside",
    ("answers of people below the study's age", "(row 2, 3)"),
    ("未达到研究规定年龄者的答卷", "（第 2, 3 行）"),
    why="consent of a parent does not arrive in the file; a study that has it sets no least_age",
)
def _(f: Folder) -> None:
    f.study["rules"] = {"least_age": {"item": "age", "years": 14}}
    some(f, "q5", "12", "13")
