"""Cases 83-87: what the log says of who was where, and twice."""

from __future__ import annotations

import random

from tests.survey.catalogue.ground import Folder, case
from tests.survey.catalogue.waves import in_log, some


def with_ends(f: Folder) -> None:
    """Let the log say when each activity ended."""
    f.wave["files"][1]["columns"]["to"] = "end"
    for row in f.log:
        row["to"] = "2024-03-05 12:00"


@case(
    "83",
    "log rows after the day of leaving that the file gives",
    "warned",
    "not mapped, not stored: left_on",
    "未对应、不保存的列：left_on",
    same=True,
    why="the study keeps no list of single members with their days, so the column is named as not stored and nothing is compared",
)
def _(f: Folder) -> None:
    for row in f.log:
        row["left_on"] = "2024-01-31"


@case(
    "84",
    "an end before its start",
    "set aside",
    ("rows that end before they begin", "(row 2)"),
    ("结束早于开始的行", "（第 2 行）"),
)
def _(f: Folder) -> None:
    with_ends(f)
    in_log(f, "to", "2024-03-05 09:00")


@case(
    "84a",
    "more than a day",
    "warned",
    "2 rows last longer than a day",
    "2 行持续超过一天",
    same=True,
    why="camps and journeys last for days: the row is kept and told",
)
def _(f: Folder) -> None:
    with_ends(f)
    in_log(f, "to", "2024-03-08 10:00", "2024-03-07 10:00")


@case(
    "84b",
    "a negative time of answering",
    "warned",
    ("outside the item's codes or limits", "(took: row 2)"),
    ("超出编码或范围", "（took：第 2 行）"),
    same=True,
)
def _(f: Folder) -> None:
    some(f, "took", "-5")


@case(
    "85",
    "a member in two places at once",
    "warned",
    "1 rows say that a member was in two places at once",
    "1 行显示同一会员同时在两处",
    same=True,
)
def _(f: Folder) -> None:
    with_ends(f)
    f.log.append(f.log[0] | {"what": "b1", "place": "990104", "at": "2024-03-05 11:00", "to": "2024-03-05 13:00"})


@case(
    "86",
    "the same rows of the log in two exports",
    "repaired",
    ("more.csv", "rows that stand there already"),
    ("more.csv", "与前面重复的行"),
)
def _(f: Folder) -> None:
    f.wave["files"].append(f.wave["files"][1] | {"file": "more.csv"})
    f.raw["more.csv"] = f.csv(rows=[*f.log[:30], f.log[0] | {"who": "canary-late"}]).encode()


@case(
    "86a",
    "the same time written a minute later",
    "repaired",
    ("rows that stand there already", "(row 122)"),
    ("与前面重复的行", "（第 122 行）"),
    why="a member is at an activity once; the first row is kept",
)
def _(f: Folder) -> None:
    f.log.append(f.log[0] | {"at": "2024-03-05 10:01"})


@case("87", "rows of the log in another order", "harmless")
def _(f: Folder) -> None:
    random.Random(1).shuffle(f.log)
