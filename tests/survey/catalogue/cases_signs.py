"""Cases 1-13: encodings and signs."""

from __future__ import annotations

from tests.survey.catalogue.ground import Folder, case

CHINESE = ("非常不同意", "不同意", "一般", "同意", "非常同意")


def in_words(f: Folder) -> None:
    """Answers as Chinese labels."""
    for row in f.answers:
        row["q1"] = CHINESE[int(row["q1"]) - 1]


@case("1", "UTF-8 with BOM", "harmless")
def _(f: Folder) -> None:
    f.send(f.csv(), "utf-8-sig")


@case("2", "GB18030 / GBK Chinese export", "repaired", "gb18030", "gb18030")
def _(f: Folder) -> None:
    in_words(f)
    f.send(f.csv(), "gb18030")


@case("3", "UTF-16 with BOM", "repaired", "utf-16", "utf-16")
def _(f: Folder) -> None:
    f.send(f.csv(), "utf-16")


@case("3a", "UTF-16 without BOM", "refused", "utf-16", "utf-16")
def _(f: Folder) -> None:
    f.send(f.csv(), "utf-16-le")


@case("3b", "UTF-16 without BOM, declared", "repaired", "utf-16-le", "utf-16-le")
def _(f: Folder) -> None:
    f.entry["layout"] = {"encoding": "utf-16-le"}
    f.send(f.csv(), "utf-16-le")


@case(
    "4",
    "Big5, not declared",
    "refused",
    ("answers.csv", "codes or limits", "the encoding is wrong"),
    ("不在编码或范围之内", "编码有误"),
)
def _(f: Folder) -> None:
    for row in f.answers:
        row["q7"] = "canary"
        row["q1"] = ("非常不同意", "不同意", "普通", "同意", "非常同意")[int(row["q1"]) - 1]
    f.send(f.csv(), "big5")


@case("4a", "Shift-JIS header, not declared", "refused", "the encoding is wrong", "编码有误")
def _(f: Folder) -> None:
    for row in f.answers:
        row["満足度"], row["q7"] = row.pop("q1"), "canary"
    f.entry["columns"] = {"満足度": "bel1"} | {h: t for h, t in f.entry["columns"].items() if t != "bel1"}
    f.send(f.csv(), "shift-jis")


@case("5", "GB18030 declared as Latin-1: garbled headers", "refused", "the encoding is wrong", "编码有误")
def _(f: Folder) -> None:
    for row in f.answers:
        row["满意度"] = row.pop("q1")
    f.entry["columns"] = {"满意度": "bel1"} | {h: t for h, t in f.entry["columns"].items() if t != "bel1"}
    f.entry["layout"] = {"encoding": "latin-1"}
    f.send(f.csv(), "gb18030")


@case("6", "U+FFFD inside: converted wrongly by another program", "refused", ("answers.csv", "row"), "行")
def _(f: Folder) -> None:
    in_words(f)
    f.answers[4]["q1"] = "非常\ufffd\ufffd意"


@case("6a", "UTF-8 encoded twice", "refused", ("answers.csv", "the encoding is wrong"), ("answers.csv", "编码有误"))
def _(f: Folder) -> None:
    in_words(f)
    f.send(f.csv().encode("utf-8").decode("latin-1").encode("utf-8"))


@case("7", "two exports glued: UTF-8, then GB18030", "refused", "row 62", "第 62 行")
def _(f: Folder) -> None:
    in_words(f)
    lines = f.csv().splitlines(keepends=True)
    f.send("".join(lines[:61]).encode("utf-8") + "".join(lines[61:]).encode("gb18030"))


@case("7a", "two exports glued: GB18030, then UTF-8", "refused", "row 62", "第 62 行")
def _(f: Folder) -> None:
    in_words(f)
    lines = f.csv().splitlines(keepends=True)
    f.send("".join(lines[:61]).encode("gb18030") + "".join(lines[61:]).encode("utf-8"))


@case("8", "NUL byte", "refused", ("row 3", "NUL"), ("第 3 行", "NUL"))
def _(f: Folder) -> None:
    f.answers[1]["q1"] = "4\0"


@case("8a", "other control characters", "repaired", "1 cells mended", "1 个单元格已修正")
def _(f: Folder) -> None:
    f.answers[1]["q1"] = f"{f.answers[1]['q1']}\x07"


@case("9", "zero-width space, NBSP, soft hyphen in names", "repaired", "2 cells mended", "2 个单元格已修正")
def _(f: Folder) -> None:
    f.answers[0]["org"] = "uni\u200bon"
    f.answers[1]["org"] = "lea\u00adgue\u00a0"


@case("10", "full-width digits and letters", "repaired", "2 cells mended", "2 个单元格已修正")
def _(f: Folder) -> None:
    f.answers[0]["q1"] = "１"
    f.answers[0]["q3"] = "ＮＯ"


@case("11", "Arabic-Indic digits, superscripts, circled numbers", "repaired", "3 cells mended", "3 个单元格已修正")
def _(f: Folder) -> None:
    for row, sign in zip(f.answers, ("\u0661", "²", "③"), strict=False):
        row["q1"] = sign


@case("11a", "a sign that is no digit of any script", "warned", "words that are no label", "不是任何选项")
def _(f: Folder) -> None:
    f.answers[0]["q1"] = "★"


@case(
    "12",
    "Chinese numerals for codes",
    "harmless",
    why="read as the codes that they are, as labels are: nothing about the file is in doubt",
)
def _(f: Folder) -> None:
    for row in f.answers:
        row["q1"] = "一二三四五"[int(row["q1"]) - 1]
    f.answers[1]["q1"] = "两"


@case("12a", "Chinese numerals where a number is asked", "warned", "no number", "不是数字")
def _(f: Folder) -> None:
    f.answers[0]["q5"] = "三十"


@case(
    "13",
    "traditional signs in an organisation's name",
    "set aside",
    ("the study does not know", "row 2", "nearest that the study knows: union"),
    "研究中最接近的：union",
    why="no table of variants is kept here: the clerk writes the spelling under values, once",
)
def _(f: Folder) -> None:
    f.answers[0]["org"] = "工會（总）"
