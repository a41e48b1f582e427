"""Cases 66-69, 90-92 and 116: people twice, people in a hurry, and people in several organisations."""

from __future__ import annotations

import copy
import random

from tests.survey.catalogue.ground import Folder, case
from tests.survey.catalogue.waves import add_items, some

TWICE = ("second answers of the same person", "the fullest is kept", "(row 3)")
TWICE_ZH = ("同一会员的重复答卷", "（第 3 行）")


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


@case("69a", "answered in twenty seconds", "warned", "2 answers were given very fast", "2 份答卷作答过快")
def _(f: Folder) -> None:
    some(f, "took", "20", "19")


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
